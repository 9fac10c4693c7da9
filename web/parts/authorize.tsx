import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useRef, useState, type ReactNode } from 'react'
import { PatchbayProblem, type AuthType, type Connection, type Started, type Values } from '../../sdk/index.ts'
import { patchbay } from '../client.ts'
import type { Tested } from './authorize-test.tsx'
import { leaveInThisTab, openServiceWindow, sendTo, type Landing } from './authorize-window.ts'
import { tellDone, tellProblem } from './problem.tsx'

/* Dialogs are fetched when the first one opens: lists that may open one are drawn without them. */
const AskFields = lazy(() => import('./authorize-fields.tsx').then(file => ({ default: file.AskFields })))
const AwaitAuthorization = lazy(() => import('./authorize-wait.tsx').then(file => ({ default: file.AwaitAuthorization })))
const AuthorizeFrame = lazy(() => import('./authorize-test.tsx').then(file => ({ default: file.AuthorizeFrame })))
const Testing = lazy(() => import('./authorize-test.tsx').then(file => ({ default: file.Testing })))
const TestRefused = lazy(() => import('./authorize-test.tsx').then(file => ({ default: file.TestRefused })))

/** What is to be authorised, and by which call. */
export interface ToAuthorize {
  /** `grant_type` where it is known: client credentials need no window. */
  readonly service: { readonly name: string; readonly auth_type: AuthType; readonly grant_type?: string | null | undefined }
  readonly linkName: string
  /** Starts it: create, update or authorize, with `return_to` as it is given here. */
  readonly start: (returnTo: string) => Promise<Started>
  /** Starts it once more, after it was declined or took too long. Left out: connections.authorize. */
  readonly again?: ((returnTo: string) => Promise<Started>) | undefined
  /** Connected. Called once, after the dialog has closed. */
  readonly onDone: (connection: Connection) => void
  /** The dialog was closed before it was connected. The connection exists. */
  readonly onLeft?: ((connection: Connection) => void) | undefined
  /** Where this tab goes on when the service's page had to be opened in it: the connection's page. */
  readonly landing?: Landing | undefined
}

export interface Authorizing {
  /** Inside a click: a window is opened before anything is asked. Rejects with the refusal of `start`. */
  readonly begin: (what: ToAuthorize) => Promise<void>
  /** Put it anywhere on the page. */
  readonly dialog: ReactNode
  /** From the click to the answer of `start`. */
  readonly busy: boolean
}

type Stage = { readonly connection: Connection } & (
  | { readonly kind: 'fields'; readonly fields: Extract<Started['authorization'], { kind: 'fields' }>['fields'] }
  | { readonly kind: 'window'; readonly url: string; readonly expiresAt: string }
  | { readonly kind: 'testing' }
  | { readonly kind: 'test_refused'; readonly test: Tested }
)

const hasPage = ({ auth_type, grant_type }: ToAuthorize['service']): boolean =>
  auth_type === 'oauth1' || (auth_type === 'oauth2' && grant_type !== 'client_credentials')

/** Create and Connect, or connect again: the service's page in a window, or a dialog that asks. */
export const useAuthorize = (): Authorizing => {
  const queries = useQueryClient()
  const [what, setWhat] = useState<ToAuthorize | null>(null)
  const [stage, setStage] = useState<Stage | null>(null)
  const [busy, setBusy] = useState(false)
  const asking = useRef(false)
  // what the dialog is about; nothing that answers later goes on with another one
  const current = useRef<ToAuthorize | null>(null)

  /** The call that starts or goes on, with its window opened before it when the service has a page. */
  const ask = async (asked: ToAuthorize, call: (returnTo: string) => Promise<Started>) => {
    if (asking.current) return // a second click: one window and one authorisation are enough
    asking.current = true
    const opened = hasPage(asked.service) ? openServiceWindow() : null
    try {
      const started = await call(`/authorized?${new URLSearchParams({ connection: asked.linkName }).toString()}`)
      void queries.invalidateQueries({ queryKey: ['connections'] })
      go(asked, started, opened)
    } catch (refused) {
      opened?.close()
      throw refused
    } finally {
      asking.current = false
    }
  }

  const go = (asked: ToAuthorize, { connection, authorization }: Started, opened: Window | null) => {
    setWhat(asked)
    current.current = asked
    if (authorization.kind === 'redirect') {
      setStage({ kind: 'window', connection, url: authorization.url, expiresAt: authorization.expires_at })
      if (opened) sendTo(opened, authorization.url)
      else leaveInThisTab(authorization.url, asked.linkName, asked.landing ?? 'connection')
      return
    }
    opened?.close()
    if (authorization.kind === 'fields') setStage({ kind: 'fields', connection, fields: authorization.fields })
    else finish(asked, connection)
  }

  const finish = (asked: ToAuthorize, connection: Connection) => {
    if (current.current !== asked) return
    current.current = null
    setStage(null)
    setWhat(null)
    void queries.invalidateQueries({ queryKey: ['connections'] })
    void queries.invalidateQueries({ queryKey: ['connection', asked.linkName] })
    asked.onDone(connection)
  }

  const leave = () => {
    const connection = stage?.connection
    current.current = null
    setStage(null)
    setWhat(null)
    void queries.invalidateQueries({ queryKey: ['connections'] })
    void queries.invalidateQueries({ queryKey: ['connection', connection?.link_name] })
    if (connection) what?.onLeft?.(connection)
  }

  const begin = async (asked: ToAuthorize) => {
    setBusy(true)
    try {
      await ask(asked, asked.start)
    } finally {
      setBusy(false)
    }
  }

  const once = (asked: ToAuthorize) =>
    asked.again ?? ((returnTo: string) => patchbay.connections.authorize(asked.linkName, { return_to: returnTo }))

  /** Typed values; the service's own test call, where it has one, tells a wrong one at once. */
  const answer = async (asked: ToAuthorize, values: Values) => {
    const direct = asked.service.auth_type === 'basic' || asked.service.auth_type === 'api_key'
    if (!direct) return ask(asked, returnTo => patchbay.connections.authorize(asked.linkName, { variables: values, return_to: returnTo }))
    const { connection } = await patchbay.connections.authorize(asked.linkName, { credentials: values })
    if (current.current !== asked) return
    setStage({ kind: 'testing', connection })
    const test = await tested(asked.linkName)
    if (current.current !== asked) return
    if (test.kind === 'ok') tellDone(`${asked.service.name} answered ${test.status} to its test call.`)
    if (test.kind === 'ok' || test.kind === 'none') finish(asked, connection)
    else setStage({ kind: 'test_refused', connection, test })
  }

  return { begin, busy, dialog: what && stage && <Suspense fallback={null}>{dialogOf(what, stage)}</Suspense> }

  function dialogOf(asked: ToAuthorize, now: Stage): ReactNode {
    const shared = { service: asked.service.name, onClose: leave }
    switch (now.kind) {
      case 'fields':
        return <AskFields {...shared} fields={now.fields} onAnswer={values => answer(asked, values)} />
      case 'window':
        return (
          <AwaitAuthorization
            {...shared}
            key={now.url}
            linkName={asked.linkName}
            url={now.url}
            expiresAt={now.expiresAt}
            onOpen={() => {
              const opened = openServiceWindow()
              if (opened) sendTo(opened, now.url)
              else leaveInThisTab(now.url, asked.linkName, asked.landing ?? 'connection')
            }}
            onThisTab={() => leaveInThisTab(now.url, asked.linkName, asked.landing ?? 'connection')}
            onAgain={() => void ask(asked, once(asked)).catch(tellProblem)}
            onDone={connection => finish(asked, connection)}
          />
        )
      case 'testing':
        return (
          <AuthorizeFrame {...shared} onClose={() => finish(asked, now.connection)}>
            <Testing service={asked.service.name} />
          </AuthorizeFrame>
        )
      case 'test_refused':
        return (
          <AuthorizeFrame {...shared} onClose={() => finish(asked, now.connection)}>
            <TestRefused
              service={asked.service.name}
              test={now.test}
              onAgain={() => void ask(asked, once(asked)).catch(tellProblem)}
              onKeep={() => finish(asked, now.connection)}
            />
          </AuthorizeFrame>
        )
    }
  }
}

async function tested(linkName: string): Promise<Tested> {
  try {
    const { ok, status_code } = await patchbay.connections.test(linkName)
    return { kind: ok ? 'ok' : 'refused', status: status_code }
  } catch (error) {
    return error instanceof PatchbayProblem && error.code === 'test_not_available' ? { kind: 'none' } : { kind: 'failed', error }
  }
}
