import { Button, CloseButton, Menu } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCopy, IconHistory } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState } from 'react'
import { PatchbayProblem, type Connection, type Me, type Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { tellDone } from '../../parts/problem.tsx'
import { AnswerView } from './answer-view.tsx'
import { RequestForm } from './request-form.tsx'
import type { Rights } from './rights.ts'
import { answered, type Answered } from './try-answer.ts'
import { codeFor, codeKinds, codeNames, type CodeKind } from './try-code.ts'
import { useSent } from './try-history.ts'
import { TryCancelled, TryRefused } from './try-refused.tsx'
import { allowedMethods, firstDraft, permitted, reachOf, readInput, splitUrl, urlOf, type Draft } from './try-request.ts'
import classes from './try-it.module.css'

interface Shown {
  readonly connection: Connection
  readonly me: Me
  readonly service: Service | undefined
  readonly rights: Rights
  readonly connect: () => void
  readonly onClose: () => void
}

/** The log of calls is written in batches; this long until a call stands in it. */
const loggedAfterMs = 1500

const pathErrorOf = (error: unknown): string | undefined =>
  error instanceof PatchbayProblem
    ? error.code === 'invalid_url'
      ? error.detail
      : error.errors.find(one => one.path === 'url')?.message
    : undefined

interface Sending {
  readonly asked: Draft
  /** When it was sent, by the page's own clock. */
  readonly at: number
  readonly signal: AbortSignal
}

/** Escape, wherever the focus is, unless something that was opened above takes it. */
const useEscape = (on: boolean, then: () => void): void => {
  const latest = useRef(then)
  useEffect(() => {
    latest.current = then
  })
  useEffect(() => {
    if (!on) return undefined
    const onKey = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null
      const opened = target?.closest('[role="menu"], [role="listbox"], [role="dialog"], [aria-expanded="true"][aria-haspopup]')
      if (event.key === 'Escape' && !event.defaultPrevented && !opened) latest.current()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [on])
}

/** One call through the connection, with the reader's own rights. */
export const TryIt = ({ connection, me, service, rights, connect, onClose }: Shown) => {
  const { link_name } = connection
  const title = useId()
  const box = useRef<HTMLElement>(null)
  const allowed = allowedMethods(service)
  const [typed, setDraft] = useState(() => firstDraft(connection, service))
  // the service may arrive after this was opened, and a recent request may be of a method that was allowed then
  const draft = permitted(typed, allowed)
  const [sent, remember] = useSent(me.user.id, link_name)
  const clipboard = useClipboard()
  const queries = useQueryClient()
  const { origins, rules } = reachOf(connection.api_hosts)

  // the last answer stays on the screen, faded, until the next one is here
  const [answer, setAnswer] = useState<Answered | null>(null)
  const call = useMutation({
    networkMode: 'always', // offline it fails with words instead of waiting
    mutationFn: async ({ asked, signal }: Sending) =>
      answered(await patchbay.invokeText({ connection: link_name, ...(await readInput(asked)) }, { signal })),
    onSettled: (data, _error, { asked }) => {
      setAnswer(data ?? null)
      remember({ method: asked.method, url: urlOf(asked) })
      setTimeout(() => {
        void queries.invalidateQueries({ queryKey: ['invocations'] })
        void queries.invalidateQueries({ queryKey: ['connection', link_name] })
      }, loggedAfterMs)
    },
  })
  const running = useRef<AbortController | null>(null)
  const send = () => {
    if (call.isPending) return
    running.current = new AbortController()
    call.mutate({ asked: draft, at: performance.now(), signal: running.current.signal })
  }
  const [cancelledAfter, setCancelledAfter] = useState(0)
  const cancel = () => {
    setCancelledAfter(performance.now() - (call.variables?.at ?? 0))
    running.current?.abort()
    // the button that was pressed goes away
    box.current?.querySelector<HTMLInputElement>('[data-first]')?.focus()
  }
  useEscape(call.isPending, cancel)
  const copyAs = (kind: CodeKind) => {
    clipboard.copy(codeFor(kind, window.location.origin, link_name, draft))
    tellDone(`Copied as ${codeNames[kind]}.`)
  }

  useEffect(() => {
    box.current?.querySelector<HTMLInputElement>('[data-first]')?.focus()
  }, [])

  return (
    <section ref={box} className={classes.box} aria-labelledby={title}>
      <div className={classes.head}>
        <h2 id={title}>Try it</h2>
        <CloseButton aria-label="Close Try it" onClick={onClose} />
      </div>
      <RequestForm
        {...{ draft, origins, rules, allowed }}
        onChange={setDraft}
        onSend={send}
        busy={call.isPending}
        onCancel={cancel}
        pathError={pathErrorOf(call.error)}
      >
        <Menu position="bottom-start">
          <Menu.Target>
            <Button variant="default" leftSection={<IconCopy size={15} />}>
              Copy as …
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {codeKinds.map(kind => (
              <Menu.Item key={kind} onClick={() => copyAs(kind)}>
                {codeNames[kind]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        {sent.length > 0 && (
          <Menu position="bottom-start" width={480}>
            <Menu.Target>
              <Button variant="default" leftSection={<IconHistory size={15} />}>
                Recent
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>Kept in this tab, without headers and bodies</Menu.Label>
              {sent.map(one => (
                <Menu.Item
                  key={`${one.method} ${one.url}`}
                  onClick={() => setDraft({ ...draft, method: one.method, ...splitUrl(one.url) })}
                >
                  <code className={`outside ${classes.recent}`}>
                    {one.method} {one.url}
                  </code>
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </RequestForm>
      {call.error !== null &&
        (call.variables.signal.aborted ? (
          <TryCancelled asked={call.variables.asked} afterMs={cancelledAfter} />
        ) : (
          <TryRefused {...{ connection, rights, connect }} error={call.error} />
        ))}
      {answer !== null && (
        <div className={classes.answer} data-old={call.isPending || undefined}>
          <AnswerView answer={answer} />
        </div>
      )}
    </section>
  )
}
