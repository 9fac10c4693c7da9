import { Code, TagsInput, Text } from '@mantine/core'
import { FormRow } from '../../parts/form-row.tsx'
import { useDerivedHosts } from './derived-hosts.ts'
import type { FormPart } from './form-part.ts'
import { Note } from './note.tsx'
import { namesInWords } from '../../parts/counted-words.ts'
import classes from './service.module.css'

/** `https://api.example.com/v1` is pasted more often than typed: what it says is its host. */
const hostOf = (text: string): string => {
  const trimmed = text.trim().toLowerCase()
  return /^https?:\/\//.test(trimmed) ? (/^https?:\/\/([^/?#]*)/.exec(trimmed)?.[1] ?? trimmed) : trimmed
}

/** More are those of a service with a data centre in every region. */
const mostHosts = 12

/** What the server makes of the URLs, while they are typed. */
const Derived = ({ hosts }: { readonly hosts: readonly string[] | null }) => (
  <div role="status">
    <Text size="sm" c="dimmed" mt={6}>
      {hosts === null ? 'Left empty, they follow from the URLs above.' : 'Left empty, they follow from the URLs above:'}
    </Text>
    {hosts !== null && (
      <ul className={classes.hosts} aria-label="Derived API hosts">
        {hosts.slice(0, mostHosts).map(host => (
          <li key={host}>
            <Code>{host}</Code>
          </li>
        ))}
        {hosts.length > mostHosts && <li className={classes.small}>and {hosts.length - mostHosts} more</li>}
      </ul>
    )}
  </div>
)

/** Where the credential may be sent. */
export const HostsField = ({ draft, change, errors, stored }: FormPart) => {
  const { api_hosts } = draft
  const derives = draft.auth_type === 'oauth1' || draft.auth_type === 'oauth2'
  const derived = useDerivedHosts(draft)
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
          {derives && api_hosts.length === 0 && <Derived hosts={derived} />}
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
