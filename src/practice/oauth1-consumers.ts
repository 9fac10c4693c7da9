import { z } from 'zod'
import { randomToken, type State } from './state.ts'
import { json, Refusal, type Handler } from './exchange.ts'
import { signatureMethods } from './oauth1-signature.ts'

const consumer = z.strictObject({
  consumer_key: z.string().min(1).max(200).optional(),
  consumer_secret: z.string().max(500).optional(),
  name: z.string().min(1).max(200).default('A practice consumer'),
  callbacks: z.array(z.string().max(2000)).max(20).nullable().default(null),
  signature_methods: z.array(z.enum(signatureMethods)).default([...signatureMethods]),
  placement: z.enum(['any', 'header', 'query', 'form']).default('any'),
  realm: z.string().max(200).nullable().default(null),
  public_key: z.string().max(5000).nullable().default(null),
  callback_confirmed: z.string().max(20).nullable().default('true'),
  session_handle: z.boolean().default(false),
  token_seconds: z.number().min(0).max(1e9).nullable().default(null),
  response_type: z.string().max(100).default('application/x-www-form-urlencoded'),
  auto: z.enum(['ask', 'accept', 'reject']).default('ask'),
})

/**
 * A client in OAuth 1 (RFC 5849 §1.1) and how the service behaves towards it. `callbacks` null takes any callback;
 * `callback_confirmed` is what the first response says, null leaves it out, as the version before 1.0a did.
 */
export type Consumer = Omit<z.infer<typeof consumer>, 'consumer_key' | 'consumer_secret'> & {
  readonly consumer_key: string
  readonly consumer_secret: string
}

export function registerBuiltInConsumer(state: State): void {
  const known = { consumer_key: 'practice-consumer', consumer_secret: 'practice-consumer-secret' }
  state.consumers.set(known.consumer_key, { ...consumer.parse({ name: 'Practice consumer' }), ...known })
}

/** POST /oauth1/clients */
export const registerConsumer: Handler = async ({ state, body }) => {
  const given = consumer.safeParse((await body()).value)
  if (!given.success) throw new Refusal(400, 'invalid_client_metadata', z.prettifyError(given.error))
  const registered: Consumer = {
    ...given.data,
    consumer_key: given.data.consumer_key ?? randomToken('consumer'),
    consumer_secret: given.data.consumer_secret ?? randomToken('secret'),
  }
  state.consumers.set(registered.consumer_key, registered)
  state.counters.registrations++
  return json(201, registered)
}
