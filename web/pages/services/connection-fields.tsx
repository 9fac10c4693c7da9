import { TextInput } from '@mantine/core'
import { AccessPicker } from '../../parts/access-picker.tsx'
import { FieldBox } from '../../parts/field-box.tsx'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { ScopePicker } from '../../parts/scope-picker.tsx'
import { UsedBy } from '../../parts/used-by.tsx'
import { LinkNameBox } from '../../parts/link-name-box.tsx'
import { askedBefore, connectionOf, type ConnectionDraft } from './connection-details.ts'
import type { ServiceDraft } from './service-draft.ts'

interface Fields {
  readonly draft: ConnectionDraft
  readonly service: ServiceDraft
  readonly change: (fields: Partial<ConnectionDraft>) => void
  /** Below `connection.`. */
  readonly errors: Readonly<Record<string, string>>
  readonly checked: { readonly taken: boolean; readonly free: string | null } | null
}

/** The second half of one page: the connection that is made together with its service. */
export const ConnectionFields = ({ draft, service, change, errors, checked }: Fields) => {
  const connection = connectionOf(draft, service)
  /** A list shows what is wrong with one of its entries. */
  const under = (path: string) => errors[path] ?? Object.entries(errors).find(([one]) => one.startsWith(`${path}.`))?.[1]
  return (
    <Section title="Connection details">
      <FormRow label="Name" help="Of this connection, as people read it in lists." error={errors['connection.name']}>
        {field => (
          <TextInput
            {...field}
            value={draft.name ?? service.name}
            maxLength={100}
            autoComplete="off"
            onChange={event => change({ name: event.currentTarget.value })}
          />
        )}
      </FormRow>
      <FormRow
        label="Link name"
        help="As callers write it, in code and in URLs. It cannot be changed afterwards."
        error={errors['connection.link_name']}
      >
        {field => (
          <LinkNameBox
            field={field}
            value={connection.link_name}
            disabled={false}
            checked={checked}
            onChange={linkName => change({ link_name: linkName })}
          />
        )}
      </FormRow>
      {askedBefore(service).map(one => (
        <FormRow key={one.name} label={<span className="outside">{one.label}</span>} error={errors[`connection.variables.${one.name}`]}>
          {row => (
            <FieldBox
              field={{ name: one.name, display_name: one.label, secret: one.secret, ...(one.choices && { choices: one.choices }) }}
              row={row}
              value={draft.variables[one.name] ?? one.choices?.[0] ?? ''}
              error={row.error}
              onChange={value => change({ variables: { ...draft.variables, [one.name]: value } })}
            />
          )}
        </FormRow>
      ))}
      {service.auth_type === 'oauth2' && service.scopes.length > 0 && (
        <FormRow group label="Scopes" help="What this connection asks for. Fewer is better." error={under('connection.scopes')}>
          {field => (
            <ScopePicker
              listed={service.scopes}
              value={connection.scopes}
              onChange={scopes => change({ scopes })}
              others={false}
              error={field.error}
            />
          )}
        </FormRow>
      )}
      <FormRow group label="Used by" help="Use credentials of login user: whose account a call is made as.">
        {() => (
          <UsedBy
            value={draft.use_login_user_credentials}
            onChange={chosen => change({ use_login_user_credentials: chosen, access: chosen ? 'organization' : 'private' })}
          />
        )}
      </FormRow>
      <FormRow
        group
        label="Who may call it directly"
        help="From their own code, with their own API keys."
        error={under('connection.access')}
      >
        {field => <AccessPicker value={draft.access} onChange={access => change({ access })} error={field.error} />}
      </FormRow>
    </Section>
  )
}
