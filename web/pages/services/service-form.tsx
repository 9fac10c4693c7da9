import { SegmentedControl } from '@mantine/core'
import type { ReactNode } from 'react'
import { FormRow, Section } from '../../parts/form-row.tsx'
import { Advanced } from './advanced.tsx'
import { AuthTypeCards } from './auth-type-cards.tsx'
import type { FormPart, SecretPart } from './form-part.ts'
import { HostsField } from './hosts-field.tsx'
import { DescriptionFields, NameFields } from './name-fields.tsx'
import { OAuth1Fields, OAuth2Fields } from './oauth-fields.tsx'
import { ParametersField } from './parameters-field.tsx'
import { paramTypesOf } from './service-draft.ts'

const typeTitles = { oauth2: 'OAuth 2', oauth1: 'OAuth 1.0a', api_key: 'API key', basic: 'Basic' } as const

const shortNames = { header: 'Header', query: 'Query', form: 'Form' } as const

/** The definition of a custom service: its type first, then only the fields of that type. */
export const ServiceForm = (part: FormPart & SecretPart & { readonly afterSecret?: ReactNode }) => {
  const { draft, change, errors } = part
  const { auth_type, advanced } = draft
  const paramTypes = paramTypesOf(auth_type)
  return (
    <>
      <AuthTypeCards {...part} />
      <Section title="Service details">
        <NameFields {...part} />
        <DescriptionFields {...part} />
      </Section>
      <Section title={typeTitles[auth_type]}>
        {auth_type === 'oauth2' && <OAuth2Fields {...part} />}
        {auth_type === 'oauth1' && <OAuth1Fields {...part} />}
        {part.afterSecret}
        {paramTypes.length > 1 && !('placements' in advanced) && (
          <FormRow
            label="Param Type"
            group
            help="Where the credential goes: into a header, the query of the URL, or the form of the body."
            error={errors.param_type}
          >
            {() => (
              <SegmentedControl
                aria-label="Param Type"
                data={paramTypes.map(value => ({ value, label: shortNames[value] }))}
                value={paramTypes.includes(draft.param_type) ? draft.param_type : 'header'}
                onChange={param_type => change({ param_type })}
              />
            )}
          </FormRow>
        )}
        {auth_type === 'api_key' && <ParametersField {...part} />}
        <HostsField {...part} />
      </Section>
      <Advanced authType={auth_type} value={advanced} onChange={next => change({ advanced: next })} errors={errors} />
    </>
  )
}
