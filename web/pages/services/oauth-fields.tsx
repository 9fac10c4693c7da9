import { Radio, SegmentedControl, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { FormRow } from '../../parts/form-row.tsx'
import { SecretBox } from '../../parts/secret-box.tsx'
import { Fixed } from './fixed.tsx'
import type { FormPart, SecretPart } from './form-part.ts'
import { ScopesField } from './scopes-field.tsx'
import { clientWords, delimiterNames, grantTypeNames } from '../../parts/service-words.ts'

type UrlField = 'request_token_url' | 'authorize_url' | 'access_token_url' | 'refresh_token_url' | 'revoke_token_url'

interface UrlRowOf extends FormPart {
  readonly field: UrlField
  readonly label: string
  readonly help?: string
  readonly example: string
  readonly optional?: boolean
}

const UrlRow = ({ field: name, label, help, example, optional = false, draft, change, errors }: UrlRowOf) => (
  <FormRow label={label} help={help} optional={optional} error={errors[name]}>
    {field => (
      <TextInput
        {...field}
        type="url"
        inputMode="url"
        spellCheck={false}
        autoComplete="off"
        placeholder={example}
        value={draft[name]}
        onChange={event => change({ [name]: event.currentTarget.value })}
      />
    )}
  </FormRow>
)

const ClientRows = ({ draft, change, errors, stored, secret, onSecret }: FormPart & SecretPart) => {
  const words = clientWords(draft.auth_type)
  return (
    <>
      <FormRow label={words.id} error={errors.client_id}>
        {field => (
          <TextInput
            {...field}
            autoComplete="off"
            spellCheck={false}
            value={draft.client_id}
            onChange={event => change({ client_id: event.currentTarget.value })}
          />
        )}
      </FormRow>
      <FormRow
        label={words.secret}
        help="It is stored sealed, and never shown again."
        optional={draft.auth_type === 'oauth2' && draft.grant_type !== 'client_credentials'}
        error={errors.client_secret}
      >
        {field =>
          draft.advanced.signature_method === 'RSA-SHA1' && stored?.has_client_secret !== true ? (
            // a private key has lines, which a password box would take away
            <Textarea
              {...field}
              rows={4}
              placeholder="-----BEGIN PRIVATE KEY-----"
              spellCheck={false}
              autoComplete="off"
              value={secret}
              onChange={event => onSecret(event.currentTarget.value)}
            />
          ) : (
            <SecretBox field={field} stored={stored?.has_client_secret === true} value={secret} onChange={onSecret} />
          )
        }
      </FormRow>
    </>
  )
}

const grantTypes = ['authorization_code', 'client_credentials'] as const

/** The fields of OAuth 2 (RFC 6749). */
export const OAuth2Fields = (part: FormPart & SecretPart) => {
  const { draft, change, errors, stored } = part
  return (
    <>
      <FormRow
        label="Grant type"
        group={!stored}
        help={
          stored
            ? 'Fixed: connections of the other kind are made in another way.'
            : 'The first, unless the provider’s documentation says otherwise. Fixed later.'
        }
        error={errors.grant_type}
      >
        {field =>
          stored ? (
            <Fixed>{grantTypeNames[draft.grant_type]}</Fixed>
          ) : (
            <Radio.Group
              aria-label="Grant type"
              error={field.error}
              value={draft.grant_type}
              onChange={value => change({ grant_type: grantTypes.find(one => one === value) ?? 'authorization_code' })}
            >
              <Stack gap={12}>
                {grantTypes.map(one => (
                  <Radio key={one} value={one} label={grantTypeNames[one]} />
                ))}
              </Stack>
            </Radio.Group>
          )
        }
      </FormRow>
      {draft.grant_type === 'authorization_code' && (
        <UrlRow
          {...part}
          field="authorize_url"
          label="Authorize URL"
          help="The page where people agree. Its own query is kept."
          example="https://login.example.com/oauth2/authorize"
        />
      )}
      <UrlRow {...part} field="access_token_url" label="Access token URL" example="https://login.example.com/oauth2/token" />
      {draft.grant_type === 'authorization_code' && (
        <UrlRow
          {...part}
          field="refresh_token_url"
          label="Refresh token URL"
          help="Where it differs from the access token URL."
          example="https://login.example.com/oauth2/refresh"
          optional
        />
      )}
      <UrlRow
        {...part}
        field="revoke_token_url"
        label="Revoke token URL"
        help="With one, the provider is told when a connection is revoked (RFC 7009)."
        example="https://login.example.com/oauth2/revoke"
        optional
      />
      <ClientRows {...part} />
      <ScopesField {...part} />
      {draft.scopes.length > 1 && (
        <FormRow
          label="Delimiter"
          group
          help="What stands between the scopes. The standard says a space (RFC 6749 §3.3); some providers want a comma, few a plus."
          error={errors.scope_delimiter}
        >
          {() => (
            <SegmentedControl
              aria-label="Delimiter"
              data={(['comma', 'space', 'plus'] as const).map(value => ({ value, label: delimiterNames[value] }))}
              value={draft.scope_delimiter}
              onChange={scope_delimiter => change({ scope_delimiter })}
            />
          )}
        </FormRow>
      )}
    </>
  )
}

const signatureMethods = ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'PLAINTEXT']

/** The fields of OAuth 1.0a (RFC 5849). */
export const OAuth1Fields = (part: FormPart & SecretPart) => {
  const { draft, change } = part
  const { signature_method, ...otherKnobs } = draft.advanced
  const method = typeof signature_method === 'string' ? signature_method : 'HMAC-SHA1'
  return (
    <>
      <UrlRow {...part} field="request_token_url" label="Request token URL" example="https://example.com/oauth/request_token" />
      <UrlRow
        {...part}
        field="authorize_url"
        label="Authorize URL"
        help="The page where people agree."
        example="https://example.com/oauth/authorize"
      />
      <UrlRow {...part} field="access_token_url" label="Access token URL" example="https://example.com/oauth/access_token" />
      <UrlRow
        {...part}
        field="refresh_token_url"
        label="Refresh token URL"
        help="For providers with session handles."
        example="https://example.com/oauth/refresh_token"
        optional
      />
      <ClientRows {...part} />
      <FormRow
        label="Signature method"
        error={part.errors['advanced.signature_method']}
        help={
          method === 'RSA-SHA1'
            ? 'The consumer secret is the private key then, as PEM.'
            : 'HMAC-SHA1, unless the provider’s documentation says otherwise.'
        }
      >
        {field => (
          <Select
            {...field}
            data={signatureMethods}
            value={method}
            allowDeselect={false}
            onChange={value => change({ advanced: value === 'HMAC-SHA1' ? otherKnobs : { ...otherKnobs, signature_method: value } })}
          />
        )}
      </FormRow>
    </>
  )
}
