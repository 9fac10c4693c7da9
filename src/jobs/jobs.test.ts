import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { forEachDatabase } from '../../test/support/databases.ts'
import { eventually } from '../../test/support/oauth-story.ts'
import { createJobs, type JobData, type JobName, type Jobs } from './jobs.ts'

type Run = JobData['run_scheduled_function']

/** What nothing caught, which ends a process. The runner's own listeners would fail the file without saying which test it was. */
const uncaught: unknown[] = []
const note = (error: unknown) => void uncaught.push(error)
let others: NodeJS.UnhandledRejectionListener[] = []
beforeEach(() => {
  uncaught.length = 0
  others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
  for (const other of others) process.on('unhandledRejection', other)
})

forEachDatabase((_name, open) => {
  /** Jobs whose database is away whenever `away.now`; `perform` does those of one name, and nobody the others. */
  const begin = async (perform: (run: Run) => Promise<void>) => {
    const database = await open()
    const away = { now: false }
    const told: unknown[] = []
    const executeSql = async (text: string, values?: readonly unknown[]) => {
      if (away.now) throw new Error('the database is away')
      return database.executeSql(text, values)
    }
    const jobs: Jobs = createJobs({ executeSql, schema: 'jobs', now: () => Date.now(), onError: error => told.push(error) })
    const nothing = () => Promise.resolve()
    await jobs.start({
      revoke_at_provider: nothing,
      tidy: nothing,
      keep_alive: nothing,
      run_due_schedules: nothing,
      run_scheduled_function: perform,
    })
    const name: JobName = 'run_scheduled_function'
    const send = (schedule_id: string) => jobs.send(database.db, name, { organization_id: 'o', schedule_id, due: '2026-01-01T00:00:00Z' })
    const states = async () => {
      const { rows } = await database.executeSql(
        `select data->>'schedule_id' as id, state from jobs.job where name = '${name}' order by created_on`,
      )
      return rows.map(row => Object.values(row as object).join(' '))
    }
    return { jobs, send, states, away, told }
  }

  for (const [how, outcome] of [
    ['done', () => Promise.resolve()],
    ['failed', () => Promise.reject(new Error('it could not be done'))],
  ] as const)
    test(`a job that is ${how} while the database is away ends nothing, and the next ones are done`, async () => {
      const ran: string[] = []
      const { jobs, send, states, away, told } = await begin(async run => {
        ran.push(run.schedule_id)
        if (run.schedule_id !== 'first') return
        away.now = true
        await outcome()
      })
      try {
        await send('first')
        await eventually(
          'that it could not be written down',
          () => Promise.resolve(told.length),
          count => count > 0,
        )
        away.now = false
        await send('second')
        await eventually('the second', states, all => all.includes('second completed'))
        expect(ran).toEqual(['first', 'second'])
        expect(await states()).toContain('first active')
        expect(told).toContainEqual(expect.objectContaining({ message: 'the database is away' }))
      } finally {
        away.now = false
        await jobs.stop()
      }
      expect(uncaught).toEqual([])
    }, 30_000)

  test('a job that outlasts the stop is failed, so that somebody else may try it, and its own end is told to nobody', async () => {
    let end = () => {}
    const { jobs, send, states, away, told } = await begin(() => new Promise(resolve => (end = resolve)))
    await send('long')
    await eventually('that it runs', states, all => all.includes('long active'))
    const stopped = jobs.stop()
    await delay(1_000)
    expect(await states(), 'it is waited for').toEqual(['long active'])
    await stopped
    expect(await states()).toEqual(['long failed'])
    away.now = true // as when the database is closed
    end()
    await delay(200)
    expect(told).toEqual([])
    expect(uncaught).toEqual([])
  }, 30_000)
})
