import { builtin, type Builtins, type Context } from '../builtins/define.ts'
import { Failure } from '../failure.ts'
import { textOf } from '../text.ts'
import type { KeyValue, Value } from '../value.ts'
import type { Reply } from './decode.ts'
import { callOf, invoke } from './invoke-url.ts'
import { isMap } from './multipart.ts'
import { callTo } from './request.ts'

/** The tail that these calls share: `[, headers] [, plain]`. Either may be left out; `plain` is true unless it is given. */
function tailOf(context: Context, name: string, rest: readonly Value[]): { headers: KeyValue | null; plain: boolean } {
  let headers: KeyValue | null = null
  let plain = true
  for (const value of rest) {
    if (typeof value === 'boolean') plain = value
    else if (isMap(value)) headers = value
    else if (value !== null && value !== '')
      throw new Failure(
        `${name} takes a map of headers and true or false at its end, not ${textOf(context.surroundings, value).slice(0, 50)}.`,
      )
  }
  return { headers, plain }
}

/** What `plain` and its opposite ask for. Plain text is left as text: these calls never made a map of it (§2.5). */
const replyFor = (plain: boolean): Reply => ({ detailed: !plain, format: 'text', charset: null })

/** The calls that `invokeurl` came after (§2.5). They know no connection. */
export const webData: Builtins = {
  getUrl: builtin({
    doc: 'Calls an address with GET and gives the answer as text; with false at the end a map with responseText, responseHeader and responseCode. `invokeurl` can do more.',
    takes: ['text', 'any...'],
    gives: 'any',
    parameters: ['url', 'headers', 'plain'],
    receiver: false,
    examples: {},
    run(context, url, ...rest) {
      const { headers, plain } = tailOf(context, 'getUrl', rest)
      return invoke(context, { ...callTo(url), headers }, replyFor(plain))
    },
  }),
  postUrl: builtin({
    doc: 'Calls an address with POST and gives the answer as text. A map as the body is sent as a form, a text as it is.',
    takes: ['text', 'any', 'any...'],
    gives: 'any',
    parameters: ['url', 'body', 'headers', 'plain'],
    receiver: false,
    examples: {},
    run(context, url, body, ...rest) {
      const { headers, plain } = tailOf(context, 'postUrl', rest)
      return invoke(context, { ...callTo(url, 'POST'), parameters: body, headers }, replyFor(plain))
    },
  }),
  invokeUrl: builtin({
    doc: 'The call form of `invokeurl`: an address, a method, a body for methods that have one, headers, and false for a map with responseText, responseHeader and responseCode.',
    takes: ['text', 'text?', 'any...'],
    gives: 'any',
    parameters: ['url', 'type', 'body', 'headers', 'plain'],
    receiver: false,
    examples: {},
    run(context, url, type, ...rest) {
      // invokeUrl(url, type [, bool]) or invokeUrl(url, type, body [, headers] [, bool]): a boolean in third place is not a body.
      const [body = null, ...after] = rest.length > 0 && typeof rest[0] !== 'boolean' ? rest : [null, ...rest]
      const { headers, plain } = tailOf(context, 'invokeUrl', after)
      const call = callOf(context, url, { type: type ?? 'GET' })
      return invoke(context, { ...call, parameters: body, headers }, { detailed: !plain, format: 'auto', charset: null })
    },
  }),
}
