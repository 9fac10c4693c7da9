import { AsyncLocalStorage } from 'node:async_hooks'
import { context, propagation, ROOT_CONTEXT, trace, type Context, type ContextManager } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setUpTimeoutMs } from '../support/databases.ts'
import { startOAuthStory, type OAuthStory } from '../support/oauth-story.ts'
import { startPatchbay, type TestPatchbay } from '../support/patchbay.ts'

/** As the SDK for Node has it: what is active goes along with every `await`. */
function followAwaits(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...given) => storage.run(active, () => work.call(self as ThisParameterType<typeof work>, ...given)),
    bind: (active, target) => (typeof target === 'function' ? ((...given: unknown[]) => storage.run(active, () => target(...given) as unknown)) as typeof target : target), // prettier-ignore
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}

const traceId = '0af7651916cd43dd8448eb211c80319c'
const callersSpan = 'b7ad6b7169203331'

describe('R-4 what an operator’s OpenTelemetry sees [pglite]', () => {
  const exporter = new InMemorySpanExporter()
  let patchbay: TestPatchbay
  let story: OAuthStory
  beforeAll(async () => {
    context.setGlobalContextManager(followAwaits())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
    patchbay = await startPatchbay({ database: 'pglite' })
    story = await startOAuthStory(patchbay)
    await story.connect(await story.service('traced', { habits: { rotation: 'strict' } }), 'traced')
  }, setUpTimeoutMs)
  afterAll(async () => {
    await patchbay.stop()
    for (const api of [trace, context, propagation]) api.disable()
  })
  beforeEach(() => exporter.reset())

  const spans = (name: string) => exporter.getFinishedSpans().filter(one => one.name === name)
  const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId
  const traceparent = { traceparent: `00-${traceId}-${callersSpan}-01` }

  it('a call that renews its token is three spans of the caller’s trace, by invoke and by the proxy', async () => {
    const url = `http://${story.host}/api/echo?token=QUERYCANARY`
    const doors = {
      invoke: () => patchbay.admin('POST', '/api/v1/invoke', { connection: 'traced', url }, traceparent),
      proxy: () => patchbay.admin('GET', `/proxy/traced/http/${story.host}/api/echo?token=QUERYCANARY`, undefined, traceparent),
    }
    for (const [door, call] of Object.entries(doors)) {
      exporter.reset()
      await story.endsIn('traced', -1)
      expect((await call()).status).toBe(200)
      await expect.poll(() => spans('invoke').length).toBe(1)
      const [invoke] = spans('invoke')
      const [refresh] = spans('refresh')
      const [egress] = spans('egress')
      expect(exporter.getFinishedSpans()).toHaveLength(3)
      expect(new Set(exporter.getFinishedSpans().map(one => one.spanContext().traceId))).toEqual(new Set([traceId]))
      expect(parentOf(invoke)).toBe(callersSpan)
      expect(parentOf(egress)).toBe(invoke?.spanContext().spanId)
      expect(parentOf(refresh)).toBe(invoke?.spanContext().spanId)
      expect(invoke?.attributes).toMatchObject({ 'patchbay.door': door, 'patchbay.service': 'traced', 'http.response.status_code': 200 })
      expect(egress?.attributes).toMatchObject({ 'server.address': story.host, 'http.request.method': 'GET' })
    }
  })

  it('a refusal has its code; nothing that a caller or a service said is in any span', async () => {
    const call = { connection: 'traced', url: 'https://evil.test/PATHCANARY?token=QUERYCANARY', headers: { 'X-Own': 'HEADERCANARY' } }
    expect((await patchbay.admin('POST', '/api/v1/invoke', call)).status).toBe(403)
    const [invoke] = spans('invoke')
    expect(invoke?.attributes['error.type']).toBe('destination_not_allowed')
    expect(invoke?.status.code).toBe(2)
    expect(spans('egress')).toEqual([])
    const said = exporter.getFinishedSpans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect(JSON.stringify(said)).not.toContain('CANARY')
  })

  it('what goes out carries no trace that the caller did not write', async () => {
    const bare = await patchbay.admin('POST', '/api/v1/invoke', { connection: 'traced', url: `http://${story.host}/api/echo` }, traceparent)
    expect(JSON.stringify(bare.json.body)).not.toContain(traceId)
  })
})
