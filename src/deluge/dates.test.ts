import { DateTime as LuxonDateTime } from 'luxon'
import { describe, expect, it } from 'vitest'
import { dayOfYear, localOf, localOfParts, momentOf, plusMonths, todayAt, weekOfYear, zoneNamed, zoneOf } from './calendar.ts'
import { datePatternFault, daysFrom, formatDate, formatTime, parseDate, parseTime } from './dates.ts'
import { Failure } from './failure.ts'
import type { Surroundings } from './host.ts'
import type { DateTime } from './value.ts'

const inZone = (timeZone: string, dateFormat = 'dd-MMM-yyyy'): Surroundings => ({
  timeZone,
  dateFormat,
  loginUser: null,
  adminUser: null,
  appName: '',
  appUri: '',
  ipAddress: null,
  precedence: 'usual',
  profile: 'crm',
})
const losAngeles = inZone('America/Los_Angeles')
const kolkata = inZone('Asia/Kolkata')

const show = (date: DateTime | null, surroundings = losAngeles): string | null =>
  date && formatDate(surroundings, date, date.hasTime ? 'dd-MMM-yyyy HH:mm:ss' : 'dd-MMM-yyyy')
const read = (text: string, surroundings = losAngeles): string | null => show(parseDate(surroundings, text), surroundings)
const at = (text: string, surroundings = losAngeles): DateTime => {
  const date = parseDate(surroundings, text)
  if (date === null) throw new Error(`not a date: ${text}`)
  return date
}

describe('a date literal (LEX-6, LEX-7)', () => {
  it.each([
    ['15-Mar-2019', '15-Mar-2019'],
    ['1-jan-2019', '01-Jan-2019'],
    ['01-Jan-2019 15:00:00', '01-Jan-2019 15:00:00'],
    ['2026-04-06', '06-Apr-2026'],
    ['2026/4/6', '06-Apr-2026'],
    ['01/01/2017', '01-Jan-2017'],
    ['12/31/2017', '31-Dec-2017'],
    ['31/12/2017', '31-Dec-2017'],
    ['05-20-13', '20-May-2013'],
    ['31.12.2017', '31-Dec-2017'],
    ['01.02.2017', '01-Feb-2017'],
    ['Aug 21, 2013 16:04:37', '21-Aug-2013 16:04:37'],
    ['August 21, 2013', '21-Aug-2013'],
    ['21 August 2013, 4:05 pm', '21-Aug-2013 16:05:00'],
    ['Fri, 15 Mar 2019 12:00 am', '15-Mar-2019 00:00:00'],
    ['15-Mar-19', '15-Mar-2019'],
    ['15-Mar-70', '15-Mar-1970'],
    ['15Mar2019', null],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it.each([
    'YOUR_URL',
    'Europe',
    '',
    '1',
    '12-2',
    'This is a test.',
    '2026',
    '1.2.34',
    '1.2.3.4',
    '2026-04-06x',
    '2026-04-06 hello',
    '13:15:10',
    'May',
  ])('leaves the text %j alone', text => {
    expect(parseDate(losAngeles, text)).toBeNull()
  })

  it.each(['31-Feb-2019', '2019-13-01', '00-Jan-2019', '32/13/2019', '29-Feb-2019', '2019-02-30T10:00:00Z'])(
    'does not make up the date %s',
    text => {
      expect(parseDate(losAngeles, text)).toBeNull()
    },
  )

  it('takes ISO 8601 at its own offset', () => {
    expect(read('2020-12-09T17:25:24-07:00')).toBe('09-Dec-2020 16:25:24')
    expect(read('2020-12-09T17:25:24Z', kolkata)).toBe('09-Dec-2020 22:55:24')
    expect(read('2020-12-09T17:25:24.5+0530', kolkata)).toBe('09-Dec-2020 17:25:24')
    expect(at('2020-12-09T17:25:24.5Z').ms % 1000).toBe(500)
    expect(read('Wed, 09 Dec 2020 17:25:24 GMT')).toBe('09-Dec-2020 09:25:24')
  })

  it('reads anything without failing', () => {
    const pieces = [
      '0',
      '12',
      '2019',
      '99',
      '-',
      '/',
      '.',
      ':',
      ' ',
      ',',
      'T',
      'Z',
      'am',
      'Jan',
      'Fri',
      '+05:30',
      'GMT',
      "'",
      'é',
      '\n',
      '(',
    ]
    let seed = 7
    const next = (below: number) => (seed = (seed * 16807) % 2147483647) % below
    for (let n = 0; n < 5000; n += 1) {
      const text = Array.from({ length: 1 + next(14) }, () => pieces[next(pieces.length)]).join('')
      const date = parseDate(losAngeles, text)
      if (date !== null) expect(formatDate(losAngeles, date, 'yyyy')).toMatch(/^\d{4}$/)
      expect(() => parseTime(text)).not.toThrow()
      parseDate(losAngeles, text, 'dd-MMM-yyyy hh:mm:ss a z')
    }
    expect(parseDate(losAngeles, `1${' '.repeat(1_000_000)}`)).toBeNull()
    expect(parseDate(losAngeles, '9'.repeat(1_000_000), 'yyyy-MM-dd')).toBeNull()
  })

  it('resets a time that does not exist to zero', () => {
    expect(read('01-Jan-2019 24:10:10')).toBe('01-Jan-2019 00:00:00')
    expect(read('01-Jan-2019 10:60:10')).toBe('01-Jan-2019 10:00:00')
    expect(read('01-Jan-2019 10:10:60')).toBe('01-Jan-2019 10:10:00')
  })

  it('reads numeric dates in the order of the organisation, and turns them when that is impossible', () => {
    const dayFirst = inZone('Asia/Kolkata', 'dd/MM/yyyy')
    expect(read('05/04/2020', dayFirst)).toBe('05-Apr-2020')
    expect(read('05/04/2020', losAngeles)).toBe('04-May-2020')
    expect(read('04/15/2020', dayFirst)).toBe('15-Apr-2020')
    expect(read('15-Mar-2019', dayFirst)).toBe('15-Mar-2019')
  })

  it('reads a format only the organisation has', () => {
    expect(read('2019 03 15', inZone('Asia/Kolkata', 'yyyy MM dd'))).toBe('15-Mar-2019')
    expect(read('2019 03 15 10:11:12', inZone('Asia/Kolkata', 'yyyy MM dd'))).toBe('15-Mar-2019 10:11:12')
    expect(read('2019 03 15 and more', inZone('Asia/Kolkata', 'yyyy MM dd'))).toBeNull()
  })
})

describe('a date read by a pattern', () => {
  const by = (text: string, pattern: string, zone?: string) => show(parseDate(losAngeles, text, pattern, zone))

  it.each([
    ['01,11,2019 1:30:00 pm', 'MM,d,yyyy', '11-Jan-2019'],
    ['01,11,2019 1:30:00 pm', 'MM,d,yyyy hh:mm:ss a', '11-Jan-2019 13:30:00'],
    ['20190315', 'yyyyMMdd', '15-Mar-2019'],
    ['15-Mar-19', 'dd-MMM-yy', '15-Mar-2019'],
    ['15-March-2019', 'dd-MMM-yyyy', '15-Mar-2019'],
    ['2019-03-15T10:00:00+05:30', "yyyy-MM-dd'T'HH:mm:ssXXX", '14-Mar-2019 21:30:00'],
    ['2019-074', 'yyyy-DDD', '15-Mar-2019'],
    ['Fri 15/3/2019', 'EEE dd/MM/YYYY', '15-Mar-2019'],
    ['12:30 AM 15/3/2019', 'hh:mm a dd/MM/yyyy', '15-Mar-2019 00:30:00'],
  ])('%s by %s', (text, pattern, expected) => {
    expect(by(text, pattern)).toBe(expected)
  })

  it('takes four-digit years literally: yyyy on "19" is the year 19', () => {
    expect(by('15-03-19', 'dd-MM-yyyy')).toBe('15-Mar-0019')
  })

  it.each([
    ['2019-13-01', 'yyyy-MM-dd'],
    ['2019/12/01', 'yyyy-MM-dd'],
    ['15-Mar-2019', 'dd-MM-yyyy'],
    ['15-03-2019', 'dd-MMM-yyyy'],
    ['29-02-2019', 'dd-MM-yyyy'],
    ['01,11,2019', 'MM,d,yyyy hh:mm:ss a'],
    ['', 'yyyy'],
  ])('does not read %j by %s', (text, pattern) => {
    expect(by(text, pattern)).toBeNull()
  })

  it('reads in the zone given and shows in the organisation’s', () => {
    expect(by('01,11,2019 01:30:00 pm', 'MM,d,yyyy hh:mm:ss a', 'Europe/Moscow')).toBe('11-Jan-2019 02:30:00')
  })

  it('says which letter a pattern must not have', () => {
    expect(() => by('2019', 'yyyyTMM')).toThrow(new Failure('A date pattern has no letter "T": put text between single quotes.'))
  })
})

describe('a date written by a pattern', () => {
  it.each([
    ["MMM dd, yy 'at' hh:mm:ss, E", 'Mar 15, 19 at 03:04:05, Fri'],
    ['yyyy-MM-dd', '2019-03-15'],
    ['YYYY-MM-dd', '2019-03-15'],
    ['dd-MMM-yyyy', '15-Mar-2019'],
    ['dd/MM/yyyy', '15/03/2019'],
    ["yyyy-MM-dd'T'HH:mm:ss", '2019-03-15T15:04:05'],
    ["yyyy-MM-dd'T'HH:mm:ssXXX", '2019-03-15T15:04:05-07:00'],
    ['HH:mm:ss.SSS Z z', '15:04:05.000 -0700 PDT'],
    ['EEEE d MMMM yyyy h a', 'Friday 15 March 2019 3 PM'],
    ['D w W F u', '74 11 3 3 5'],
    ["h 'o''clock' ''", "3 o'clock '"],
    ['k K', '15 3'],
  ])('%s', (pattern, expected) => {
    expect(formatDate(losAngeles, at('15-Mar-2019 15:04:05'), pattern)).toBe(expected)
  })

  it('in another zone', () => {
    const date = at('15-Mar-2019 15:04:05')
    expect(formatDate(losAngeles, date, "yyyy-MM-dd'T'HH:mm:ssXXX", 'GMT-04:00')).toBe('2019-03-15T18:04:05-04:00')
    expect(formatDate(losAngeles, date, 'HH:mm z', 'IST')).toBe('03:34 GMT+5:30')
    expect(formatDate(losAngeles, date, 'HH:mm XXX z', 'GMT')).toBe('22:04 Z GMT')
    expect(formatDate(losAngeles, date, 'HH:mm', 'Nowhere/Land')).toBe('22:04')
  })

  it('says of a pattern what is wrong with it', () => {
    expect(datePatternFault('dd-MMM-yyyy')).toBeNull()
    expect(datePatternFault('dd of MMM')).toBe('A date pattern has no letter "o": put text between single quotes.')
  })

  it('bounds the pattern', () => {
    expect(() => formatDate(losAngeles, at('15-Mar-2019'), 'y'.repeat(201))).toThrow(Failure)
  })
})

describe('a time of day', () => {
  it.each([
    ['19:00:00', '19:00:00'],
    ['06:00:00 PM', '18:00:00'],
    ['13:15:10', '13:15:10'],
    ['12:00 am', '00:00:00'],
  ])('reads %s', (text, expected) => {
    const time = parseTime(text)
    expect(time && formatTime(time)).toBe(expected)
  })

  it.each(['24:00:00', '12:60:00', '16:09', '1:2:3', 'noon', '25:00 PM'])('leaves %s alone', text => {
    expect(parseTime(text)).toBeNull()
  })
})

describe('the calendar', () => {
  const zone = zoneOf(losAngeles)
  const plusDays = (text: string, days: number, surroundings = losAngeles) => {
    const here = zoneOf(surroundings)
    return show(
      { kind: 'date', ms: momentOf(here, localOf(here, at(text, surroundings).ms) + days * 86_400_000), hasTime: true },
      surroundings,
    )
  }

  it('keeps the wall time over a change of clocks', () => {
    expect(plusDays('09-Mar-2019 09:00:00', 1)).toBe('10-Mar-2019 09:00:00')
    expect(plusDays('02-Nov-2019 09:00:00', 1)).toBe('03-Nov-2019 09:00:00')
    expect(plusDays('09-Mar-2019 09:00:00', 1, kolkata)).toBe('10-Mar-2019 09:00:00')
    expect(at('10-Mar-2019 09:00:00').ms - at('09-Mar-2019 09:00:00').ms).toBe(23 * 3_600_000)
  })

  it('moves a wall time that does not exist forward', () => {
    expect(read('10-Mar-2019 02:30:00')).toBe('10-Mar-2019 03:30:00')
    expect(plusDays('09-Mar-2019 02:30:00', 1)).toBe('10-Mar-2019 03:30:00')
    expect(read('10-Mar-2019 02:30:00', kolkata)).toBe('10-Mar-2019 02:30:00')
    expect(read('31-Mar-2019 02:30:00', inZone('Europe/Berlin'))).toBe('31-Mar-2019 03:30:00')
  })

  it('takes the first of two equal wall times', () => {
    expect(formatDate(losAngeles, at('03-Nov-2019 01:30:00'), 'XXX')).toBe('-07:00')
    expect(formatDate(inZone('Europe/Berlin'), at('27-Oct-2019 02:30:00', inZone('Europe/Berlin')), 'XXX')).toBe('+02:00')
  })

  it('begins a day at its first moment where midnight is leapt over', () => {
    const saoPaulo = inZone('America/Sao_Paulo')
    expect(formatDate(saoPaulo, at('04-Nov-2018', saoPaulo), 'dd HH:mm')).toBe('04 01:00')
  })

  it('counts days on the calendar, not in 24 hours', () => {
    expect(daysFrom(losAngeles, at('09-Mar-2019'), at('11-Mar-2019'))).toBe(2)
    expect(daysFrom(losAngeles, at('1-Jan-2020'), at('31-Dec-2020'))).toBe(365)
    expect(daysFrom(losAngeles, at('2-Jan-2020'), at('1-Jan-2020'))).toBe(-1)
  })

  it('ends a month at its last day', () => {
    const month = (text: string, months: number) => new Date(plusMonths(localOf(zone, at(text).ms), months)).toISOString().slice(0, 10)
    expect(month('31-Jan-2019', 1)).toBe('2019-02-28')
    expect(month('31-Jan-2020', 1)).toBe('2020-02-29')
    expect(month('31-Jan-2019', -2)).toBe('2018-11-30')
    expect(month('15-Mar-2019', -15)).toBe('2017-12-15')
  })

  it('numbers weeks and days', () => {
    expect(weekOfYear(localOfParts(2021, 2, 7), 0)).toBe(7)
    expect(weekOfYear(localOfParts(2021, 2, 7), 1)).toBe(6)
    expect(weekOfYear(localOfParts(2020, 12, 31), 0)).toBe(1)
    expect(dayOfYear(localOfParts(2020, 12, 31))).toBe(366)
  })

  it('knows today by the zone', () => {
    const ms = Date.parse('2026-01-15T18:30:00Z')
    expect(show(todayAt(losAngeles, ms))).toBe('15-Jan-2026')
    expect(show(todayAt(kolkata, ms), kolkata)).toBe('16-Jan-2026')
  })

  it('refuses years nobody can write', () => {
    expect(() => momentOf(zone, localOfParts(10_000, 1, 1))).toThrow(Failure)
    expect(() => momentOf(zone, Number.NaN)).toThrow(Failure)
  })

  it('knows zones by name, abbreviation and offset', () => {
    const offset = (name: string) => zoneNamed(name)?.offset(Date.parse('2019-07-01')) ?? null
    expect([
      offset('Asia/Calcutta'),
      offset('IST'),
      offset('GMT+5:30'),
      offset('-0400'),
      offset('PST'),
      offset('Mars'),
      offset(''),
    ]).toEqual([330, 330, 330, -240, -420, null, null])
  })

  it('agrees with luxon at any moment of any zone', () => {
    let seed = 1
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
    for (const name of [
      'America/Los_Angeles',
      'Asia/Kolkata',
      'Europe/Berlin',
      'Australia/Lord_Howe',
      'America/Sao_Paulo',
      'Pacific/Apia',
    ]) {
      const zone = zoneOf(inZone(name))
      for (let n = 0; n < 200; n += 1) {
        const ms = Math.floor(random() * 4e12 - 1e12)
        const theirs = LuxonDateTime.fromMillis(ms, { zone: name })
        expect(formatDate(inZone(name), { kind: 'date', ms, hasTime: true }, 'yyyy-MM-dd HH:mm:ss.SSS')).toBe(
          theirs.toFormat('yyyy-MM-dd HH:mm:ss.SSS'),
        )
        // Of two moments with the same wall clock the first is taken.
        expect(ms - momentOf(zone, localOf(zone, ms))).toBeOneOf([0, 1_800_000, 3_600_000])
      }
    }
  })

  it('remembers a bounded number of zones and patterns', () => {
    for (let n = 0; n < 1200; n += 1) {
      zoneNamed(`No/Where${String(n)}`)
      formatDate(losAngeles, at('15-Mar-2019'), `dd '${String(n)}'`)
    }
    expect(show(at('15-Mar-2019'))).toBe('15-Mar-2019')
  })
})
