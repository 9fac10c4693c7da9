import { Text } from '@mantine/core'
import { fieldErrorsOf, ProblemNote } from '../../parts/problem.tsx'

interface Wrong {
  /** What was found before anything was sent. */
  readonly found: Readonly<Record<string, string>>
  readonly refusal: unknown
}

/** Above the buttons: the refusal itself, or that fields above have to be corrected. Each says itself how. */
export const WrongFields = ({ found, refusal }: Wrong) => {
  const count = Object.keys(found).length || Object.keys(fieldErrorsOf(refusal)).length
  if (count === 0) return refusal === null ? null : <ProblemNote error={refusal} />
  return (
    <Text role="alert" c="var(--mantine-color-error)" size="sm" my="sm">
      {count === 1 ? 'A field has to be corrected.' : `${count} fields have to be corrected.`} What is wrong stands beside{' '}
      {count === 1 ? 'it' : 'each'}.
    </Text>
  )
}
