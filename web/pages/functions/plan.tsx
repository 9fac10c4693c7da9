import { Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { FunctionPlan } from '../../../sdk/index.ts'
import { countWords } from '../../parts/counted-words.ts'
import { Section } from '../../parts/form-row.tsx'
import { TextLink } from '../../parts/links.tsx'
import { ImportScripts } from './import-scripts.tsx'
import type { Script } from './script-files.ts'
import classes from './plan.module.css'

type Wanted = FunctionPlan['connections'][number]
type Place = Wanted['used_in'][number]

const mostListed = 200

const Row = ({ mark, children }: { readonly mark: ReactNode; readonly children: ReactNode }) => (
  <li className={classes.row}>
    {mark}
    <div className={classes.words}>{children}</div>
  </li>
)

const ready = <IconCircleCheck size={18} className={classes.ready} role="img" aria-label="Ready" />
const open = <IconCircleDashed size={18} className={classes.open} role="img" aria-label="To do" />
const wrong = <IconCircleX size={18} className={classes.wrong} role="img" aria-label="Error" />
const elsewhere = <IconAlertTriangle size={18} className={classes.open} role="img" aria-label="Not available" />

const Places = ({ places, uses }: { readonly places: readonly Place[]; readonly uses: number }) => (
  <div className={`outside ${classes.quiet}`}>
    {places
      .slice(0, 4)
      .map(({ path, line }) => `${path}:${line}`)
      .join(', ')}
    {uses > 4 && ` and ${uses - 4} more`}
  </div>
)

interface Shown {
  readonly plan: FunctionPlan
  readonly scripts: readonly Script[]
  readonly onAgain: () => unknown
}

/** What scripts need here as a checklist: each row leads to the page where it is done. */
export const Plan = ({ plan, scripts, onAgain }: Shown) => {
  const faulty = plan.files.filter(file => file.errors.length > 0)
  const missing = plan.functions.filter(one => !one.defined)
  const waiting = plan.connections.filter(one => !one.ready).length
  return (
    <div>
      <p role="status" className={classes.sum}>
        {countWords(plan.files.length, 'script')}.{' '}
        {plan.ready
          ? 'Everything that they need is there.'
          : [
              waiting > 0 && `${countWords(waiting, 'connection')} to set up`,
              faulty.length > 0 && `${countWords(faulty.length, 'script')} with errors`,
              plan.unavailable.length > 0 && `${countWords(plan.unavailable.length, 'construct')} of another host`,
            ]
              .filter(Boolean)
              .join(', ') + '.'}
      </p>
      <ImportScripts plan={plan} scripts={scripts} onDone={onAgain} />
      {plan.connections.length > 0 && (
        <Section title="Connections">
          <ul className={classes.list}>
            {plan.connections.map(one => (
              <Connection key={one.link_name} one={one} />
            ))}
          </ul>
        </Section>
      )}
      {faulty.length > 0 && (
        <Section title="Errors">
          <ul className={classes.list}>
            {faulty.slice(0, mostListed).map(file => (
              <Row key={file.path} mark={wrong}>
                <strong className="outside">{file.path}</strong>
                {file.errors.slice(0, 5).map(({ line, column, message, suggestion }) => (
                  <div key={`${line}:${column}:${message}`} className="outside">
                    Line {line}: {message} {suggestion !== null && <span className={classes.quiet}>{suggestion}</span>}
                  </div>
                ))}
                {file.errors.length > 5 && <div className={classes.quiet}>And {countWords(file.errors.length - 5, 'more error')}.</div>}
              </Row>
            ))}
          </ul>
        </Section>
      )}
      {plan.unavailable.length > 0 && (
        <Section title="Not available here">
          <Text size="sm" c="dimmed">
            What only another host of the language can do. Take these lines out, or do it by a call, before the script can be saved.
          </Text>
          <ul className={classes.list}>
            {plan.unavailable.map(one => (
              <Row key={one.name} mark={elsewhere}>
                <code className="outside">{one.name}</code> <span className={classes.quiet}>{one.instead}</span>
                <Places places={one.used_in} uses={one.uses} />
              </Row>
            ))}
          </ul>
        </Section>
      )}
      {missing.length > 0 && (
        <Section title="Functions that are called and not there">
          <ul className={classes.list}>
            {missing.map(one => (
              <Row key={one.name} mark={open}>
                <code className="outside">{one.name}</code>
                <Places places={one.used_in} uses={one.uses} />
              </Row>
            ))}
          </ul>
        </Section>
      )}
      {plan.hosts.length > 0 && (
        <Section title="Hosts that they call">
          <ul className={classes.list}>
            {plan.hosts.map(one => (
              <Row key={one.host} mark={null}>
                <code className="outside">{one.host}</code>{' '}
                <span className={classes.quiet}>
                  {one.connections.length === 0 ? 'without a connection' : `through ${one.connections.join(', ')}`}
                </span>
                <Places places={one.used_in} uses={one.uses} />
              </Row>
            ))}
          </ul>
        </Section>
      )}
      {plan.tasks.length > 0 && (
        <Section title="Tasks">
          <ul className={classes.list}>
            {plan.tasks.map(one => (
              <Row key={one.name} mark={ready}>
                <code className="outside">{one.name}</code>
                <Places places={one.used_in} uses={one.uses} />
              </Row>
            ))}
          </ul>
        </Section>
      )}
    </div>
  )
}

const statusWords: Readonly<Record<string, string>> = {
  missing: 'There is none of this name yet.',
  not_yours: 'There is one, which you may not use.',
  connected: 'Connected.',
  authorization_required: 'There, and not connected yet.',
  refresh_failing: 'Connected, and its refresh is failing.',
  reauthorization_required: 'Must be connected again.',
  revoked: 'Revoked.',
}

const Connection = ({ one }: { readonly one: Wanted }) => {
  const { link_name, status, service } = one
  return (
    <Row mark={one.ready ? ready : open}>
      <strong className={`outside ${classes.linkName}`}>{link_name}</strong> {statusWords[status] ?? status}
      {service && (
        <div className="outside">
          Service: {service.name}
          {!service.exists && ', which must be created'}
          {one.scopes.length > 0 && (
            <>
              , with the scopes <code>{one.scopes.join(' ')}</code>
            </>
          )}
        </div>
      )}
      {one.missing_scopes.length > 0 && (
        <div className="outside">
          Scopes that it does not have: <code>{one.missing_scopes.join(' ')}</code>
        </div>
      )}
      {one.steps.map(step => (
        <div key={step} className="outside">
          {step}
        </div>
      ))}
      {!one.ready && (
        <div>
          <Way one={one} />
        </div>
      )}
      <Places places={one.used_in} uses={one.uses} />
    </Row>
  )
}

/** Where the next step is done. The scripts are kept in the tab, so that the list is there again afterwards. */
const Way = ({ one: { status, link_name, service, scopes } }: { readonly one: Wanted }) => {
  if (status === 'not_yours') return null
  if (status !== 'missing')
    return (
      <TextLink to="/connections/$linkName" params={{ linkName: link_name }}>
        Open the connection
      </TextLink>
    )
  if (service === null) return <TextLink to="/add-service">Create a custom service</TextLink>
  return (
    <>
      <TextLink to="/add-connection" search={{ service: service.link_name, link_name, ...(scopes.length > 0 && { scopes: [...scopes] }) }}>
        Create the connection
      </TextLink>{' '}
      <TextLink to="/services/$linkName" params={{ linkName: service.link_name }}>
        Open the service
      </TextLink>
    </>
  )
}
