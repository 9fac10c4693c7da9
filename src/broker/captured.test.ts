import { describe, expect, it } from 'vitest'
import { serviceInput, type ServiceDefinition } from '../core/service.ts'
import { safeCaptured } from './captured.ts'

const parsed = serviceInput.parse({
  link_name: 'crm',
  name: 'CRM',
  auth_type: 'oauth2',
  authorize_url: 'https://login.good.test/authorize',
  access_token_url: 'https://login.good.test/token',
  api_hosts: ['*.good.test'],
  advanced: { base_url: 'https://{instance}/v1/{tenant}', capture: { instance: 'instance_url', tenant: 'tenant', note: 'note' } },
})
const service = { ...parsed, api_hosts: parsed.api_hosts ?? [] } as ServiceDefinition

describe('captured variables', () => {
  it('in a host are its name, also where the provider says it as a URL', () => {
    for (const said of ['na1.good.test', 'https://na1.good.test', 'https://na1.good.test/', 'HTTPS://NA1.good.test'])
      expect(safeCaptured(service, { instance: said }), said).toEqual({ instance: 'na1.good.test' })
  })

  it.each([
    ...[
      'evil.test/',
      'a@evil.test',
      'https://user@evil.test',
      'https://evil.test/x',
      'https://evil.test?x',
      'https://evil.test#x',
      'evil.test#',
    ],
    ...['https://evil.test:8443', 'evil.test:443', '..', '', 'x%2eevil', 'a b', 'https://', 'javascript:alert(1)', '//evil.test'],
  ])('that would move a host elsewhere are left out: %j', said => {
    expect(safeCaptured(service, { instance: said })).toEqual({})
  })

  it('elsewhere stay as they are, without control characters and up to 2000 characters', () => {
    expect(safeCaptured(service, { tenant: 'https://a.test/x', note: 'n' })).toEqual({ tenant: 'https://a.test/x', note: 'n' })
    expect(safeCaptured(service, { note: 'a\nb', tenant: 'x'.repeat(2001) })).toEqual({})
  })
})
