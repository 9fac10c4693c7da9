import { Radio } from '@mantine/core'
import { Section } from '../../parts/form-row.tsx'
import { Fixed } from './fixed.tsx'
import type { FormPart } from './form-part.ts'
import { authTypeName, authTypes } from '../../parts/service-words.ts'
import classes from './form.module.css'

/** First of all how it authenticates: the fields after it depend on that. */
export const AuthTypeCards = ({ draft, change, stored }: FormPart) => (
  <Section title="Authentication type">
    {stored ? (
      <Fixed>{authTypeName(draft.auth_type)}. The type is fixed: what is stored for its connections would mean nothing in another.</Fixed>
    ) : (
      <Radio.Group
        aria-label="Authentication type"
        value={draft.auth_type}
        onChange={type => {
          const chosen = authTypes.find(one => one.type === type)
          if (chosen) change({ auth_type: chosen.type })
        }}
      >
        <div className={classes.cards}>
          {authTypes.map(({ type, name, sentence }) => (
            <Radio.Card key={type} value={type} className={classes.card ?? ''} aria-label={`${name}. ${sentence}`}>
              <Radio.Indicator />
              <span>
                <span className={classes.cardName}>{name}</span>
                <span className={classes.cardWords}>{sentence}</span>
              </span>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
    )}
  </Section>
)
