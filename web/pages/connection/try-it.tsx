import { Button, CloseButton, Menu } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCopy, IconHistory } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState } from 'react'
import { PatchbayProblem, type Connection, type Me, type Method, type Service } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { tellDone } from '../../parts/problem.tsx'
import { AnswerView } from './answer-view.tsx'
import { RequestForm } from './request-form.tsx'
import type { Rights } from './rights.ts'
import { answered, type Answered } from './try-answer.ts'
import { codeFor, codeKinds, codeNames, type CodeKind } from './try-code.ts'
import { useSent } from './try-history.ts'
import { TryRefused } from './try-refused.tsx'
import { firstDraft, inputOf, methods, reachOf, splitUrl, urlOf, type Draft } from './try-request.ts'
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

const allowedMethods = (service: Service | undefined): readonly Method[] | undefined => {
  const { methods: named } = service?.advanced ?? {}
  return Array.isArray(named) ? methods.filter(one => named.includes(one)) : undefined
}

const pathErrorOf = (error: unknown): string | undefined =>
  error instanceof PatchbayProblem
    ? error.code === 'invalid_url'
      ? error.detail
      : error.errors.find(one => one.path === 'url')?.message
    : undefined

/** One call through the connection, with the reader's own rights. */
export const TryIt = ({ connection, me, service, rights, connect, onClose }: Shown) => {
  const { link_name } = connection
  const title = useId()
  const box = useRef<HTMLElement>(null)
  const [draft, setDraft] = useState(() => firstDraft(connection, service))
  const [sent, remember] = useSent(me.user.id, link_name)
  const clipboard = useClipboard()
  const queries = useQueryClient()
  const { origins, rules } = reachOf(connection.api_hosts)
  const allowed = allowedMethods(service)

  // the last answer stays on the screen, faded, until the next one is here
  const [answer, setAnswer] = useState<Answered | null>(null)
  const call = useMutation({
    networkMode: 'always', // offline it fails with words instead of waiting
    mutationFn: async (asked: Draft) => answered(await patchbay.invokeText({ connection: link_name, ...inputOf(asked) })),
    onSettled: (data, _error, asked) => {
      setAnswer(data ?? null)
      remember({ method: asked.method, url: urlOf(asked) })
      setTimeout(() => {
        void queries.invalidateQueries({ queryKey: ['invocations'] })
        void queries.invalidateQueries({ queryKey: ['connection', link_name] })
      }, loggedAfterMs)
    },
  })
  const send = () => {
    if (!call.isPending) call.mutate(draft)
  }
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
      {call.error !== null && <TryRefused {...{ connection, rights, connect }} error={call.error} />}
      {answer !== null && (
        <div className={classes.answer} data-old={call.isPending || undefined}>
          <AnswerView answer={answer} />
        </div>
      )}
    </section>
  )
}
