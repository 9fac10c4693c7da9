import { assert } from 'vitest'
import type { Browser, TestPatchbay } from './patchbay.ts'

/** Good enough for every person of a test. */
export const memberPassword = 'correct horse battery'

export interface TestMember {
  readonly id: string
  readonly email: string
  readonly browser: Browser
}

/** A new member, by an invitation that a new browser accepts. */
export async function joinsAs(patchbay: TestPatchbay, name: string, role: string, invitedBy = patchbay.admin): Promise<TestMember> {
  const email = `${name.toLowerCase()}@example.test`
  const invited = await invitedBy('POST', '/api/v1/members/invitations', { email, role })
  assert.equal(invited.status, 201, invited.text)
  const token = new URL(invited.json.accept_url).pathname.split('/').at(-1) ?? ''
  const browser = patchbay.browser()
  const accepted = await browser.ask('POST', `/api/v1/invitations/${token}/accept`, { name, password: memberPassword })
  assert.equal(accepted.status, 200, accepted.text)
  return { id: accepted.json.user.id, email, browser }
}

/** A custom API key service on the practice service's echo, once a Patchbay. */
export async function keyService(patchbay: TestPatchbay): Promise<string> {
  const host = new URL(patchbay.practiceUrl ?? '').host
  const made = await patchbay.admin('POST', '/api/v1/services', {
    link_name: 'echo',
    name: 'Echo',
    auth_type: 'api_key',
    parameters: [{ name: 'x-api-key', display_name: 'API key' }],
    api_hosts: [host],
  })
  assert.equal(made.status, 201, made.text)
  return `${patchbay.practiceUrl ?? ''}/key/echo`
}

/** A connection of this caller to that service, connected. */
export async function connects(asker: TestPatchbay['admin'], linkName: string, more: Record<string, unknown> = {}): Promise<void> {
  const made = await asker('POST', '/api/v1/connections', {
    service: 'echo',
    name: linkName,
    link_name: linkName,
    credentials: { 'x-api-key': 'practice-key' },
    ...more,
  })
  assert.equal(made.status, 201, made.text)
}
