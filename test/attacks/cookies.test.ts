import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cookiesOf } from '../../src/http/cookies.ts'
import { setUpTimeoutMs } from '../support/databases.ts'
import { adminEmail, adminPassword, startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

/*
 * A sibling domain can set cookies for all below their common one, and whoever saw a browser once can leave a session in it (X23).
 * On https the prefix __Host- keeps the first out; of two cookies of one name nobody can tell which is whose, so neither counts.
 */
describe.each(['http', 'https'] as const)('X23 cookies that somebody else left, on %s', scheme => {
  let patchbay: TestPatchbay
  let publicUrl = ''
  const name = scheme === 'https' ? '__Host-patchbay_session' : 'patchbay_session'
  const mallory = { email: 'mallory@example.test', password: 'correct horse battery' }

  beforeAll(async () => {
    patchbay = await startPatchbay({
      database: 'pglite',
      ...(scheme === 'https' && { settings: { PATCHBAY_PUBLIC_URL: 'https://patchbay.example.test' } }),
    })
    publicUrl = scheme === 'https' ? 'https://patchbay.example.test' : patchbay.base
    await accepts(mallory.email)
  }, setUpTimeoutMs)
  afterAll(() => patchbay.stop())

  const signIn = (who: { email: string; password: string }, cookie?: string) =>
    patchbay.nobody('POST', '/api/auth/sign-in/email', who, cookie === undefined ? {} : { cookie })
  const byForm = ({ email, password }: { email: string; password: string }, cookie: string) =>
    patchbay.nobody('POST', '/sign-in', new URLSearchParams({ email, password }).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      origin: publicUrl,
      cookie,
    })
  const accepts = async (email: string, headers: Record<string, string> = {}) => {
    const invited = await patchbay.admin('POST', '/api/v1/members/invitations', { email, role: 'user' })
    const at = `/api/v1/invitations/${String(invited.json.accept_url).split('/').at(-1)}/accept`
    const joined = await patchbay.nobody('POST', at, { name: 'Somebody', password: mallory.password }, headers)
    expect(joined.status, joined.text).toBe(200)
    return joined
  }
  /** `name=value` of the one cookie that it sets. */
  const given = (answer: { headers: Headers }) => {
    const [line = '', ...more] = answer.headers.getSetCookie()
    expect(more).toEqual([])
    return line.split(';')[0] ?? ''
  }
  const whose = async (cookie: string) => {
    const answer = await patchbay.nobody('GET', '/api/v1/me', undefined, { cookie })
    return answer.status === 200 ? (answer.json.user.email as string) : answer.status
  }
  const ada = { email: adminEmail, password: adminPassword }

  it('a session is a cookie of this host alone, which no script reads', async () => {
    const [line = ''] = (await signIn(ada)).headers.getSetCookie()
    expect(line.startsWith(`${name}=`)).toBe(true)
    expect(line).toMatch(/; Path=\/; HttpOnly; SameSite=Lax(?:; Secure)?$/)
    expect(line.endsWith('; Secure')).toBe(scheme === 'https')
    expect(line).not.toMatch(/domain=/i)
  })

  it('beside another one of its name it is nobody’s; what only looks like it is not looked at', async () => {
    const own = given(await signIn(ada))
    const planted = given(await signIn(mallory))
    const values = [own, planted].map(one => one.slice(name.length + 1))
    expect([await whose(own), await whose(planted)]).toEqual([adminEmail, mallory.email])
    for (const both of [`${own}; ${planted}`, `${planted}; ${own}`, `${own}; ${own}`, `${own}; ${name}=`, `${name}=x; ${own}`])
      expect(await whose(both)).toBe(401)
    for (const other of [
      `${name}2`,
      `x${name}`,
      `"${name}"`,
      name.toUpperCase(),
      scheme === 'https' ? 'patchbay_session' : '__Secure-patchbay_session',
    ]) {
      expect([other, await whose(`${other}=${values[1] ?? ''}; ${own}`)]).toEqual([other, adminEmail])
      expect([other, await whose(`${other}=${values[1] ?? ''}`)]).toEqual([other, 401])
    }
  })

  it('the session from before is dead once somebody signs in, and its name is never taken over (session fixation)', async () => {
    const doors = { api: signIn, form: byForm }
    const elsewhere = given(await signIn(ada))
    const mallorysOwn = given(await signIn(mallory))
    for (const [door, enter] of Object.entries(doors)) {
      const planted = given(await signIn(mallory))
      // a wrong password ends nothing
      expect((await enter({ ...ada, password: 'wrong horse battery' }, planted)).status).toBe(401)
      expect([door, await whose(planted)]).toEqual([door, mallory.email])
      const mine = given(await enter(ada, planted))
      expect(mine).not.toBe(planted)
      expect([door, await whose(mine), await whose(planted), await whose(mallorysOwn), await whose(elsewhere)]).toEqual([
        ...[door, adminEmail, 401],
        ...[mallory.email, adminEmail],
      ])
      // the same person again
      const again = given(await enter(ada, mine))
      expect([door, await whose(again), await whose(mine)]).toEqual([door, adminEmail, 401])
      // one that nobody gave out
      const made = `${name}=${'A'.repeat(32)}.${'A'.repeat(43)}%3D`
      expect(given(await enter(ada, made))).not.toBe(made)
      expect(await whose(made)).toBe(401)
    }
    // nor does it live on beside the session of who accepts an invitation there
    const accepted = given(await accepts('new@example.test', { cookie: mallorysOwn, origin: publicUrl }))
    expect([await whose(accepted), await whose(mallorysOwn)]).toEqual(['new@example.test', 401])
  })

  it('of two cookies of a flow neither counts, and on https only those with the prefix', () => {
    const prefix = scheme === 'https' ? '__Host-' : ''
    expect(cookiesOf(`${prefix}flow=a; other=b`, publicUrl)['flow']).toBe('a')
    for (const header of [
      `${prefix}flow=a; ${prefix}flow=b`,
      `${prefix}flow=a; ${prefix}flow=a`,
      `${prefix}flow=a; ${prefix}flow=b; ${prefix}flow=c`,
    ])
      expect(cookiesOf(header, publicUrl)['flow']).toBeUndefined()
    expect(cookiesOf(`flow=planted; ${prefix}flow=a`, publicUrl)['flow']).toBe(scheme === 'https' ? 'a' : undefined)
    expect(cookiesOf('flow=planted', publicUrl)['flow']).toBe(scheme === 'https' ? undefined : 'planted')
  })
})
