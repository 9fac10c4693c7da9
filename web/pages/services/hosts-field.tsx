import { TagsInput, Text } from '@mantine/core'
import { FormRow } from '../../parts/form-row.tsx'
import type { FormPart } from './form-part.ts'
import { Note } from './note.tsx'
import { hostsOfUrls } from './service-draft.ts'
import { namesInWords } from '../../parts/counted-words.ts'

/** `https://api.example.com/v1` is pasted more often than typed: what it says is its host. */
const hostOf = (text: string): string => {
  const trimmed = text.trim().toLowerCase()
  return /^https?:\/\//.test(trimmed) ? (/^https?:\/\/([^/?#]*)/.exec(trimmed)?.[1] ?? trimmed) : trimmed
}

/** An address or a name without a domain is allowed as it is; a registrable domain with everything below it. */
const inWords = (host: string): string =>
  /^(?:[\d.]+|\[.*\]|localhost)(?::\d+)?$/.test(host) ? host : `the domain of ${host} and everything below it`

/** Where the credential may be sent. */
export const HostsField = ({ draft, change, errors, stored }: FormPart) => {
  const { api_hosts } = draft
  const derives = draft.auth_type === 'oauth1' || draft.auth_type === 'oauth2'
  const hosts = derives ? hostsOfUrls(draft) : []
  const error = errors.api_hosts ?? Object.entries(errors).find(([path]) => path.startsWith('api_hosts.'))?.[1]
  const added = stored ? api_hosts.filter(host => !stored.api_hosts.includes(host)) : []
  return (
    <FormRow
      label="API hosts"
      optional={derives}
      help="The only hosts that ever receive the credential: a host, host:port, or *.example.com for everything below it."
      error={error}
    >
      {field => (
        <>
          <TagsInput
            {...field}
            placeholder={api_hosts.length === 0 ? 'api.example.com' : ''}
            splitChars={[',', ' ', '\n']}
            acceptValueOnBlur
            maxTags={50}
            value={[...api_hosts]}
            onChange={next => change({ api_hosts: [...new Set(next.map(hostOf).filter(one => one !== ''))] })}
          />
          {derives && api_hosts.length === 0 && (
            <Text size="sm" c="dimmed" mt={6} className="outside">
              {hosts.length === 0
                ? 'Left empty, they follow from the URLs above.'
                : `Left empty, we would allow ${namesInWords(hosts.map(inWords))}, and the API hosts of a default service that has the same access token host. The service’s page shows them afterwards.`}
            </Text>
          )}
          {api_hosts.includes('*') && (
            <Note tone="bad" mt="xs" title="Every host is dangerous">
              With “*”, whoever may call a connection can send its credential to any host. Only an administrator can choose it.
            </Note>
          )}
          {added.length > 0 && (
            <Text size="sm" c="dimmed" mt={6} className="outside">
              Everybody who has connected is asked to confirm {namesInWords(added)} before their credential goes there.
            </Text>
          )}
        </>
      )}
    </FormRow>
  )
}
