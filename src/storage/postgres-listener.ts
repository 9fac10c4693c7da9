import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Problem } from '../core/problem.ts'
import { storageError } from './session.ts'

const pingEveryMs = 5_000
/** A notification takes milliseconds. */
const heardWithinMs = 5_000
/** While nothing is heard, what is remembered may be this old. */
const deafMs = 1_000

interface Subscription {
  readonly channel: string
  readonly onMessage: (payload: string) => void
  readonly onLost: () => void
}

export interface Listener {
  add(channel: string, onMessage: (payload: string) => void, onLost: () => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

export interface ListenerOptions {
  readonly log: (line: string) => void
  /** Sends an empty notification the way that changes are announced. */
  readonly notify: (channel: string) => Promise<void>
  /** What a first subscriber is told whose listening hears nothing of that. */
  readonly unheard: () => Problem
}

const nothing = (): void => {}
const identifier = (name: string): string => pg.escapeIdentifier(name)

/**
 * One connection of its own for LISTEN, made again whenever it is lost. `onLost` is called at the loss, every second until listening
 * resumed, and once more then: notifications of the time between are gone, so whatever was remembered meanwhile must be forgotten too.
 */
export const createListener = (config: pg.ClientConfig, { log, notify, unheard }: ListenerOptions): Listener => {
  const subscriptions = new Set<Subscription>()
  let connected: Promise<pg.Client> | undefined
  let retry: NodeJS.Timeout | undefined
  let deaf: NodeJS.Timeout | undefined
  let closed = false
  let failures = 0

  const everyoneLost = (): void => {
    for (const subscription of subscriptions) subscription.onLost()
  }
  const hearsNothing = (): void => {
    everyoneLost()
    deaf ??= setInterval(everyoneLost, deafMs).unref()
  }
  const hearsAgain = (): void => {
    clearInterval(deaf)
    deaf = undefined
    everyoneLost()
  }

  /** A connection that leads elsewhere, or through a pooler, hears nothing for ever and says nothing of it. */
  const assertHears = async (client: pg.Client): Promise<void> => {
    const own = `patchbay_${randomUUID()}`
    await client.query(`listen ${identifier(own)}`)
    let timer: NodeJS.Timeout | undefined
    const heard = new Promise<boolean>(resolve => {
      client.on('notification', ({ channel }) => channel === own && resolve(true))
      client.on('end', () => resolve(false))
      timer = setTimeout(() => resolve(false), heardWithinMs)
    })
    try {
      // who cannot send cannot change anything either
      const sent = await notify(own).then(
        () => true,
        () => false,
      )
      if (sent && !(await heard)) throw unheard()
      await client.query(`unlisten ${identifier(own)}`)
    } finally {
      clearTimeout(timer)
    }
  }

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ ...config, connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
    let lost = false
    // A half-open connection says nothing: only asking tells.
    const ping = setInterval(() => void client.query('select 1').catch(loseIt), pingEveryMs).unref()
    const loseIt = (): void => {
      if (lost) return
      lost = true
      clearInterval(ping)
      client.end().catch(nothing)
      if (closed) return
      connected = undefined
      hearsNothing()
      schedule()
    }
    client.on('error', loseIt)
    client.on('end', loseIt)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const subscription of subscriptions) if (subscription.channel === channel) subscription.onMessage(payload)
    })
    try {
      await client.connect()
      for (const channel of new Set([...subscriptions].map(each => each.channel))) await client.query(`listen ${identifier(channel)}`)
      await assertHears(client)
    } catch (error) {
      lost = true
      clearInterval(ping)
      client.end().catch(nothing)
      throw error
    }
    return client
  }

  const schedule = (): void => {
    const delayMs = Math.min(5_000, 100 * 2 ** failures++)
    retry = setTimeout(() => {
      if (connected) {
        // A new subscriber did not wait for this and connected for everybody.
        hearsAgain()
        return
      }
      connected = connect()
      connected.then(
        () => {
          failures = 0
          hearsAgain()
        },
        (error: unknown) => {
          connected = undefined
          log(`listening for database notifications failed: ${error instanceof Error ? error.message : 'unknown'}`)
          if (!closed) schedule()
        },
      )
    }, delayMs).unref()
  }

  return {
    async add(channel, onMessage, onLost) {
      const subscription = { channel, onMessage, onLost }
      subscriptions.add(subscription)
      try {
        if (connected) await (await connected).query(`listen ${identifier(channel)}`)
        else await (connected = connect())
      } catch (error) {
        subscriptions.delete(subscription)
        connected = undefined
        throw storageError(error)
      }
      return async () => {
        subscriptions.delete(subscription)
        if ([...subscriptions].some(each => each.channel === channel) || closed) return
        await (await connected)?.query(`unlisten ${identifier(channel)}`).catch(nothing)
      }
    },
    async close() {
      closed = true
      clearTimeout(retry)
      clearInterval(deaf)
      const client = await connected?.catch(() => undefined)
      await client?.end()
    },
  }
}
