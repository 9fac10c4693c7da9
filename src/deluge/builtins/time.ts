import { formatTime } from '../dates.ts'
import { Failure } from '../failure.ts'
import type { Time } from '../value.ts'
import { builtin, type Builtin, type Builtins } from './define.ts'

/** Arithmetic with a time of day stays within its day (§3.4). */
function shifted({ seconds }: Time, by: number): Time {
  const moved = seconds + by
  if (!(moved >= 0 && moved < 86_400)) throw new Failure('Invalid Operation. Value outside 24 hour range')
  return { kind: 'time', seconds: moved }
}

const moves = (doc: string, parameter: string, unit: number, examples: Readonly<Record<string, string>>): Builtin =>
  builtin({
    doc,
    takes: ['time', 'integer'],
    gives: 'time',
    parameters: [parameter],
    examples,
    run: (_, time, count) => shifted(time, count * unit),
  })

const part = (
  doc: string,
  aliases: readonly string[],
  examples: Readonly<Record<string, string>>,
  of: (seconds: number) => number,
): Builtin => builtin({ doc, takes: ['time'], gives: 'number', aliases, examples, run: (_, { seconds }) => of(seconds) })

export const time: Builtins = {
  addHour: moves('The time of day a number of hours later.', 'hours', 3600, {
    "'19:00:00'.addHour(1)": "'20:00:00'",
    "'06:00:00 PM'.addHour(5)": "'23:00:00'",
    "'19:00:00'.addHour(5)": 'error: Invalid Operation. Value outside 24 hour range',
  }),
  subHour: moves('The time of day a number of hours earlier.', 'hours', -3600, {
    "'19:00:00'.subHour(1)": "'18:00:00'",
    "'01:00:00'.subHour(2)": 'error: Invalid Operation. Value outside 24 hour range',
  }),
  addMinutes: moves('The time of day a number of minutes later.', 'minutes', 60, { "'19:00:00'.addMinutes(90)": "'20:30:00'" }),
  subMinutes: moves('The time of day a number of minutes earlier.', 'minutes', -60, { "'19:00:00'.subMinutes(1)": "'18:59:00'" }),
  addSeconds: moves('The time of day a number of seconds later.', 'seconds', 1, { "'19:00:00'.addSeconds(61)": "'19:01:01'" }),
  subSeconds: moves('The time of day a number of seconds earlier.', 'seconds', -1, { "'19:00:00'.subSeconds(1)": "'18:59:59'" }),
  hour: part('The hour, 0 to 23.', ['getHour'], { "'06:00:00 PM'.getHour()": '18' }, seconds => Math.floor(seconds / 3600)),
  minute: part(
    'The minute, 0 to 59.',
    ['getMinutes', 'getMinute'],
    { "'13:15:10'.minute()": '15' },
    seconds => Math.floor(seconds / 60) % 60,
  ),
  second: part('The second, 0 to 59.', ['getSeconds', 'getSecond'], { "'13:15:10'.second()": '10' }, seconds => seconds % 60),
  toString: builtin({
    doc: 'The time of day as text, by a pattern of H, h, m, s and a.',
    takes: ['time', 'text?'],
    gives: 'text',
    parameters: ['pattern'],
    aliases: ['toText', 'text'],
    examples: {
      "'06:00:00 PM'.toString()": '"18:00:00"',
      '\'13:15:10\'.toString("hh:mm a")': '"01:15 PM"',
      '\'13:15:10\'.toString("dd")': 'error: A time of day has no "d".',
    },
    run: (_, value, pattern) => formatTime(value, pattern),
  }),
}
