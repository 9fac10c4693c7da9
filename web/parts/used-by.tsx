import { Radio, SimpleGrid, Text } from '@mantine/core'
import classes from './used-by.module.css'

const Person = ({ y }: { readonly y: number }) => (
  <>
    <circle cx="16" cy={y - 5} r="3.5" />
    <path d={`M9.5 ${y + 6}a6.5 5.5 0 0 1 13 0`} />
  </>
)

/** Three people; cables to one account, or to one account each. */
const Picture = ({ each }: { readonly each: boolean }) => (
  <svg
    className={classes.picture}
    viewBox="0 0 132 72"
    aria-hidden="true"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.75"
    strokeLinecap="round"
  >
    <g className={classes.people}>
      <Person y={14} />
      <Person y={36} />
      <Person y={58} />
    </g>
    {each ? (
      <>
        <path d="M30 14h66M30 36h66M30 58h66" />
        <g fill="var(--surface)">
          <rect x="98" y="6" width="24" height="16" rx="3" />
          <rect x="98" y="28" width="24" height="16" rx="3" />
          <rect x="98" y="50" width="24" height="16" rx="3" />
        </g>
      </>
    ) : (
      <>
        <path d="M30 14c34 0 32 22 66 22M30 36h66M30 58c34 0 32-22 66-22" />
        <rect x="98" y="28" width="24" height="16" rx="3" fill="currentColor" />
      </>
    )}
  </svg>
)

const choices = [
  {
    value: 'false',
    label: 'Everybody with my account',
    sentence: 'Every call is made as the account that you connect now, whoever makes it. You decide below who may.',
  },
  {
    value: 'true',
    label: 'Each with their own account',
    sentence: 'A call is made as the account of whoever makes it. Each of them connects once; you never see theirs.',
  },
] as const

interface Choice {
  readonly value: boolean
  readonly onChange: (useLoginUserCredentials: boolean) => void
}

/** *Use credentials of login user*: everybody calls with my account, or each with their own. A radio group; give it a FormRow with `group`. */
export const UsedBy = ({ value, onChange }: Choice) => (
  <Radio.Group aria-label="Whose account is used" value={String(value)} onChange={next => onChange(next === 'true')}>
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      {choices.map(one => (
        <Radio.Card
          key={one.value}
          value={one.value}
          className={classes.card ?? ''}
          aria-describedby={`used-by-${one.value}`}
          aria-label={one.label}
        >
          <Picture each={one.value === 'true'} />
          <span className={classes.label}>
            <Radio.Indicator />
            <Text fw={500} component="span">
              {one.label}
            </Text>
          </span>
          <Text size="sm" c="dimmed" id={`used-by-${one.value}`}>
            {one.sentence}
          </Text>
        </Radio.Card>
      ))}
    </SimpleGrid>
  </Radio.Group>
)
