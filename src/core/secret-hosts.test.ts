import { describe, expect, it } from 'vitest'
import { declaredHosts, freeHosts } from './secret-hosts.ts'
import { serviceInput, type ServiceDefinition } from './service.ts'

const service = (access_token_url: string, rest: Record<string, unknown> = {}): ServiceDefinition => {
  const parsed = serviceInput.parse({
    auth_type: 'oauth2',
    link_name: 'a',
    name: 'A',
    authorize_url: 'https://a.test/authorize',
    access_token_url,
    scope_delimiter: 'space',
    ...rest,
  })
  return { ...parsed, api_hosts: parsed.api_hosts ?? [] }
}
const namesOf = (...given: Parameters<typeof service>) => freeHosts(service(...given)).map(one => one.name)

describe('who chooses the receiver of a client secret (X04)', () => {
  it.each([
    ['https://{host}/token'],
    ['https://accounts.{host}/token'],
    ['https://accounts.zone.{host}/token'],
    ['https://x{host}/token'],
    ['https://{host}:8443/token'],
    ['https://{host}.co.uk/token'],
    ['https://{host}.test/token'],
  ])('%s: whoever fills in the variable', url => {
    expect(namesOf(url)).toEqual(['host'])
    expect(namesOf('https://a.test/token', { refresh_token_url: url })).toEqual(['host'])
    expect(namesOf('https://a.test/token', { revoke_token_url: url })).toEqual(['host'])
  })

  it.each([
    ['https://a.test/token'],
    ['https://{host}.service.test/token'],
    ['https://a-{host}.service.co.uk/token'],
    ['https://a.test/{host}/token?of={host}'],
  ])('%s: nobody, the domain stays the same', url => expect(namesOf(url)).toEqual([]))

  it('listed values and captured ones leave no choice; a proposed one is known', () => {
    const variables = (host: unknown) => ({ advanced: { variables: { host } } })
    expect(namesOf('https://{host}/token', variables({ choices: ['a.test', 'b.test'] }))).toEqual([])
    expect(namesOf('https://{host}/token', { advanced: { capture_callback: { host: 'location' } } })).toEqual([])
    expect(freeHosts(service('https://{host}/token', variables({ default: 'a.test' })))).toEqual([{ name: 'host', proposed: 'a.test' }])
  })

  it('listing another value is a change of where the secret goes', () => {
    const listing = (...choices: string[]) =>
      declaredHosts(service('https://{host}/token', { advanced: { variables: { host: { choices } } } }))
    expect(listing('a.test')).not.toEqual(listing('a.test', 'evil.test'))
    expect(listing('a.test')).toEqual(listing('a.test'))
    expect(declaredHosts(service('https://{host}.a.test/token', { advanced: { variables: { host: { choices: ['x'] } } } }))).toEqual({})
  })
})
