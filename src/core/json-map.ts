import { z } from 'zod'

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A JSON object whose names are somebody else’s, as it came: `z.record` leaves a member called `__proto__` out without a word. */
export const jsonMap = () =>
  z
    .unknown()
    .refine(isMap, 'Give a map.')
    .meta({ type: 'object', propertyNames: { type: 'string' }, additionalProperties: {} }) as unknown as z.ZodType<Record<string, unknown>>
