import { Anchor, Button, Code, TextInput } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import type { Service } from '../../../sdk/index.ts'
import { CopyText } from '../../parts/copy.tsx'
import facts from '../../parts/facts.module.css'
import { Section } from '../../parts/form-row.tsx'
import { Time } from '../../parts/time.tsx'
import { knobGroups } from './knobs.ts'
import { Note } from './note.tsx'
import { redirectHelp, RedirectUrl } from './redirect-url.tsx'
import classes from './service.module.css'
import {
  authTypeName,
  categoryName,
  clientWords,
  grantTypeNames,
  hasRedirect,
  paramTypeName,
  webAddress,
} from '../../parts/service-words.ts'

const Fact = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => (
  <div className={facts.fact}>
    <dt>{name}</dt>
    <dd className="outside">{children}</dd>
  </div>
)

/** A service of many providers' worth of hosts is one of several data centres. */
const mostHosts = 12

const Hosts = ({ hosts }: { readonly hosts: readonly string[] }) => {
  const [all, setAll] = useState(false)
  const shown = all ? hosts : hosts.slice(0, mostHosts)
  return (
    <ul className={classes.hosts}>
      {shown.map(host => (
        <li key={host}>
          <Code>{host}</Code>
        </li>
      ))}
      {hosts.length > shown.length && (
        <li>
          <Button variant="subtle" size="compact-xs" onClick={() => setAll(true)}>
            {hosts.length - shown.length} more
          </Button>
        </li>
      )}
    </ul>
  )
}

const urlNames = [
  ['request_token_url', 'Request token URL'],
  ['authorize_url', 'Authorize URL'],
  ['access_token_url', 'Access token URL'],
  ['refresh_token_url', 'Refresh token URL'],
  ['revoke_token_url', 'Revoke token URL'],
] as const

/** What it is: everything that somebody who connects it may want to know, and nothing secret. */
export const ServiceFacts = ({ service }: { readonly service: Service }) => {
  const documentation = webAddress(service.documentation_url)
  const words = clientWords(service.auth_type)
  const knobs = knobGroups.flatMap(group => group.knobs).filter(one => one.name in service.advanced)
  const urls = urlNames.flatMap(([field, name]) => (typeof service[field] === 'string' ? [{ name, url: service[field] }] : []))
  return (
    <Section title="About">
      {service.every_host && (
        <Note tone="bad" mb="sm" title="Its credentials may go anywhere">
          The API hosts of this service are “*”: whoever may call a connection can send its credential to any host. Name the hosts instead.
        </Note>
      )}
      <dl className={facts.facts}>
        <Fact name="Link name">
          <CopyText value={service.link_name} label="link name" />
        </Fact>
        <Fact name="Authentication">
          {authTypeName(service.auth_type)}
          {service.grant_type && ` · ${grantTypeNames[service.grant_type]}`}
        </Fact>
        <Fact name="Credential">{paramTypeName(service.param_type)}</Fact>
        {service.category !== null && <Fact name="Category">{categoryName(service.category)}</Fact>}
        {documentation !== null && (
          <Fact name="Documentation">
            <Anchor href={documentation} target="_blank" rel="noreferrer">
              {documentation}
            </Anchor>
          </Fact>
        )}
        <Fact name="API hosts">
          <Hosts hosts={service.api_hosts} />
        </Fact>
        {service.kind === 'custom' && service.client_id !== null && (
          <Fact name={words.id}>
            <Code>{service.client_id}</Code>
            {service.has_client_secret ? ` · ${words.secret.toLowerCase()} stored` : ''}
          </Fact>
        )}
        {service.redirect_url !== null && hasRedirect(service) && (service.kind === 'custom' || service.configured) && (
          <Fact name="Redirect URL">
            <RedirectUrl url={service.redirect_url} />
            <span className={classes.small}>{redirectHelp}</span>
          </Fact>
        )}
        {urls.map(({ name, url }) => (
          <Fact key={name} name={name}>
            <Code>{url}</Code>
          </Fact>
        ))}
        {service.parameters && (
          <Fact name="Asks for">
            {service.parameters.map(one => (
              <div key={one.name}>
                {one.display_name} <span className={classes.small}>as</span> <Code>{one.name}</Code>
              </div>
            ))}
          </Fact>
        )}
        {service.variables.length > 0 && (
          <Fact name="Variables">
            {service.variables.map(one => (
              <div key={one.name}>
                {one.label} <Code>{`{${one.name}}`}</Code>
                {one.choices && <span className={classes.small}> {one.choices.join(', ')}</span>}
              </div>
            ))}
          </Fact>
        )}
        {service.keeper && <Fact name="Kept by">{service.keeper.name ?? 'Somebody who left'}</Fact>}
        {service.created_by && (
          <Fact name="Created">
            by {service.created_by.name ?? 'somebody who left'}, <Time at={service.created_at} />
          </Fact>
        )}
        {service.kind === 'custom' && service.updated_at !== service.created_at && (
          <Fact name="Changed">
            <Time at={service.updated_at} />
          </Fact>
        )}
      </dl>
      {knobs.length > 0 && (
        <details className={classes.more}>
          <summary>
            Advanced: {knobs.length} {knobs.length === 1 ? 'setting differs' : 'settings differ'} from the default
          </summary>
          <dl className={facts.facts}>
            {knobs.map(({ name, label, description }) => (
              <Fact key={name} name={label}>
                <Code className={classes.value ?? ''}>{wordsOf(service.advanced[name])}</Code>
                <div className={classes.small}>{description}</div>
              </Fact>
            ))}
          </dl>
        </details>
      )}
    </Section>
  )
}

const wordsOf = (value: unknown): string => {
  if (typeof value === 'string') return value === '' ? '(nothing)' : value
  if (value === true) return 'yes'
  if (value === false) return 'no'
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value.join(', ')
  return JSON.stringify(value, null, 2)
}

/** From this many on they are searched rather than read. */
const manyScopes = 12

/** The scopes that a connection can ask for. */
export const ServiceScopes = ({ service }: { readonly service: Service }) => {
  const [typed, setTyped] = useState('')
  const { scopes = [], scope_delimiter } = service
  if (scopes.length === 0) return null
  const wanted = typed.trim().toLocaleLowerCase()
  const shown = scopes.filter(one => `${one.name} ${one.description}`.toLocaleLowerCase().includes(wanted))
  return (
    <Section
      title={`Scopes (${scopes.length})`}
      aside={scopes.length > 1 && scope_delimiter && <span className={classes.small}>Sent with a {scope_delimiter} between them</span>}
    >
      {scopes.length > manyScopes && (
        <TextInput
          type="search"
          aria-label="Search scopes"
          placeholder="Scope or description"
          maw={360}
          mb="xs"
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
        />
      )}
      <dl className={classes.scopes} tabIndex={shown.length > manyScopes ? 0 : undefined} aria-label="Scopes">
        {shown.map(one => (
          <div key={one.name} className={classes.scope}>
            <dt>
              <Code>{one.name}</Code>
            </dt>
            <dd className="outside">{one.description}</dd>
          </div>
        ))}
      </dl>
      {shown.length === 0 && <span className={classes.small}>No scope matches. Any other can be typed when somebody connects.</span>}
    </Section>
  )
}
