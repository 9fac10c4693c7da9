import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
} from '@opentelemetry/api'
import { Problem } from '../core/problem.ts'
import { version } from '../core/version.ts'

/** What a span may say: nothing else gets into one. Never a path, a query, a header or a person. */
export interface SpanFacts {
  readonly organization?: string
  readonly connection?: string | null
  readonly service?: string | null
  readonly door?: string
  readonly method?: string
  /** Host and port. */
  readonly host?: string
  readonly status?: number | null
}

export interface OpenSpan {
  say(facts: SpanFacts): void
}

/** Spans around what takes time: `invoke` (a call), in it `refresh` (a token) and `egress` (what leaves). */
export interface Traces {
  /** Runs `work` in a span, a child of the one it is in. A `Problem` gives the span its code; no message of an error gets into it. */
  span<T>(name: 'invoke' | 'refresh' | 'egress', facts: SpanFacts, work: (span: OpenSpan) => Promise<T>): Promise<T>
  /** Runs `work` as a part of the caller's trace, as its `traceparent` says (W3C Trace Context). */
  continued<T>(headers: Readonly<Record<string, string | readonly string[] | undefined>>, work: () => T): T
}

/** Names as in OpenTelemetry's semantic conventions, where there is one. */
const attributeOf: Readonly<Record<keyof SpanFacts, string>> = {
  organization: 'patchbay.organization',
  connection: 'patchbay.connection',
  service: 'patchbay.service',
  door: 'patchbay.door',
  method: 'http.request.method',
  host: 'server.address',
  status: 'http.response.status_code',
}

const attributesOf = (facts: SpanFacts): Attributes =>
  Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]: [string, string | number | null | undefined]) =>
      value == null ? [] : [[attributeOf[name as keyof SpanFacts], value] as const],
    ),
  )

/**
 * The operator brings an OpenTelemetry SDK and loads it before Patchbay (`node --import`); null without one, so that calls pay nothing.
 * What goes out to services carries no trace of ours.
 */
export function createTraces(): Traces | null {
  const tracer = trace.getTracer('patchbay', version)
  const probe = tracer.startSpan('start')
  probe.end()
  // what the API does by itself has no identity
  if (!isSpanContextValid(probe.spanContext())) return null
  return {
    span(name, facts, work) {
      const kind = name === 'invoke' ? SpanKind.SERVER : name === 'egress' ? SpanKind.CLIENT : SpanKind.INTERNAL
      return tracer.startActiveSpan(name, { kind, attributes: attributesOf(facts) }, async span => {
        try {
          return await work({ say: more => void span.setAttributes(attributesOf(more)) })
        } catch (error) {
          span.setAttribute('error.type', error instanceof Problem ? error.code : 'internal')
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          span.end()
        }
      })
    },
    continued: (headers, work) => context.with(propagation.extract(ROOT_CONTEXT, headers), work),
  }
}
