import { expect } from 'vitest'
import type { OAuthStory } from './oauth-story.ts'
import type { Answer, TestPatchbay } from './patchbay.ts'
import { must } from './practice-services.ts'

const form = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' }

/** A use of a stored secret, which says `worked` or the code of its problem. */
export type Use = () => Promise<string>

export interface EverySecret {
  /** By `table.column`: what opens one of the column's fields. Those of `once` work once. */
  readonly again: Readonly<Record<string, Use>>
  readonly once: Readonly<Record<string, Use>>
}

const outcome = (answer: Answer, worked: number): string =>
  answer.text.includes('does not belong where it was found')
    ? 'integrity_error'
    : answer.status === worked
      ? 'worked'
      : String((answer.json as { code?: string } | null)?.code ?? answer.headers.get('patchbay-problem') ?? answer.status)

const script = 'string standalone.holder(password token) { return token + zoho.crm.getOrgVariable("org_secret"); }'

/**
 * One of everything that is sealed, made as people make it: two of each where two are to be swapped. The connection `held` has a question
 * about another account, `flowing` a flow whose browser is at the service.
 */
export async function makeEverySecret(patchbay: TestPatchbay, story: OAuthStory): Promise<EverySecret> {
  const { ask, browser } = story.ada
  for (const name of ['first', 'second']) {
    await story.service(name)
    await story.connect(name, name)
    must(
      await ask('PUT', `/api/v1/functions/variables/${name === 'first' ? 'org_secret' : 'other_secret'}`, { value: name, secret: true }),
      201,
    )
  }
  await story.service('flowing')
  const callback = await story.toCallback(browser, await story.begin('flowing', 'flowing'))
  await story.service('flowing_too')
  await story.toCallback(browser, await story.begin('flowing_too', 'flowing_too'))

  const questions: string[] = []
  for (const name of ['held', 'held_too']) {
    const after_connect = { url: `${story.practice}/api/me`, id_path: 'id', label_path: 'email' }
    await story.service(name, { advanced: { after_connect } })
    await story.connect(name, name)
    const { authorization } = must(await browser.ask('POST', `/api/v1/connections/${name}/authorize`, {}), 200).json
    questions.push((await browser.visit(`${String(authorization.url)}&account=grace`)).url)
  }

  for (const name of ['holder', 'holder_too']) {
    must(await ask('PUT', `/api/v1/functions/standalone/${name}`, { source: script.replace('holder', name) }), 201)
    const mapping = { token: { fixed: `mapped ${name}` } }
    must(await ask('PUT', `/api/v1/functions/standalone/${name}/exposure`, { api_key: true, mapping }), 200)
    must(
      await ask('POST', `/api/v1/functions/standalone/${name}/schedules`, { cron: '0 0 1 1 *', arguments: { token: `by clock ${name}` } }),
      201,
    )
  }
  const exposure = await ask('GET', '/api/v1/functions/standalone/holder/exposure')
  const publicUrl = String(must(exposure, 200).json.api_key_url)
  const renewed: Use = async () => {
    await story.endsIn('first', -1)
    await story.noPause('first')
    return outcome(await story.invoke('first'), 200)
  }
  const output = async (answer: Promise<Answer>, expected: string): Promise<string> => {
    const { text } = await answer
    return text.includes(expected) ? 'worked' : text.includes('secret') || text.includes('integrity') ? 'integrity_error' : text
  }
  return {
    again: {
      'credentials.sealed': async () => outcome(await story.invoke('first'), 200),
      'services.sealed_client_secret': renewed,
      'function_variables.sealed': () =>
        output(ask('POST', '/api/v1/functions/standalone/holder/run', { arguments: { token: 'x' } }), 'xfirst'),
      'functions.sealed_arguments': () => output(patchbay.nobody('GET', publicUrl), 'mapped holderfirst'),
      'function_settings.sealed_key': async () => outcome(await ask('GET', '/api/v1/functions/standalone/holder/exposure'), 200),
    },
    once: {
      'pending_authorizations.sealed': async () => outcome(await browser.ask('GET', callback), 303),
      'held_grants.sealed': async () => {
        const [question = ''] = questions
        expect(new URL(question).pathname).toMatch(/\/account$/)
        return outcome(await browser.ask('POST', question, 'use=new', form), 303)
      },
    },
  }
}
