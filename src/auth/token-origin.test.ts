import { expect, it } from 'vitest'
import { oauth2Service } from '../../test/support/oauth2.ts'
import { tokenOrigin } from './token-origin.ts'

const service = (rest: Record<string, unknown>) => oauth2Service('https://provider.example', {}, rest)

it('is where tokens are renewed, with the variables of the connection in place', () => {
  expect(tokenOrigin(service({}), {})).toBe('https://provider.example')
  expect(tokenOrigin(service({ refresh_token_url: 'https://renew.example:8443/token' }), {})).toBe('https://renew.example:8443')
  const zones = service({
    access_token_url: 'https://accounts.{zone}.example/token',
    advanced: { variables: { zone: {} } },
  })
  expect(tokenOrigin(zones, { zone: 'eu' })).toBe('https://accounts.eu.example')
  expect(tokenOrigin(zones, {}), 'a variable without a value').toBe('')
})
