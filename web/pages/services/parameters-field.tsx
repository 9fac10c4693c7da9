import { ActionIcon, Button, Switch, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import type { Parameter } from '../../../sdk/index.ts'
import { FormRow } from '../../parts/form-row.tsx'
import type { FormPart } from './form-part.ts'
import classes from './form.module.css'

/** The parameters of an API key service: what they are called on the wire, and what people are asked for. */
export const ParametersField = ({ draft, change, errors, stored }: FormPart) => {
  const { parameters, param_type } = draft
  const keptCount = stored?.parameters?.length ?? 0
  const put = (index: number, fields: Partial<Parameter>) =>
    change({ parameters: parameters.map((one, at) => (at === index ? { ...one, ...fields } : one)) })
  const wire = { header: 'Header', query: 'Query parameter', form: 'Form field' }[param_type]
  const errorOf = (index: number, field: string) =>
    errors[`parameters.${index}.${field}`] ?? (index === 0 && field === 'name' ? errors.parameters : undefined)
  return (
    <FormRow
      label="Parameters"
      group
      help={
        stored
          ? 'Parameters may be added and edited, not taken away: connections hold values for them.'
          : 'Each has its name on the wire, and the display name that people are asked by.'
      }
    >
      {() => (
        <>
          <ul className={classes.rows}>
            {parameters.map((one, index) => (
              <li key={index} className={classes.parameter}>
                <TextInput
                  aria-label={`${wire} ${index + 1}`}
                  placeholder={param_type === 'header' ? 'X-Api-Key' : 'api_key'}
                  spellCheck={false}
                  maxLength={100}
                  value={one.name}
                  error={errorOf(index, 'name')}
                  onChange={event => put(index, { name: event.currentTarget.value })}
                />
                <TextInput
                  aria-label={`Display name ${index + 1}`}
                  placeholder="API key"
                  maxLength={200}
                  value={one.display_name}
                  error={errorOf(index, 'display_name')}
                  onChange={event => put(index, { display_name: event.currentTarget.value })}
                />
                {index >= keptCount && parameters.length > 1 && (
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size={36}
                    aria-label={`Remove parameter ${index + 1}`}
                    onClick={() => change({ parameters: parameters.filter((_, at) => at !== index) })}
                  >
                    <IconX size={16} />
                  </ActionIcon>
                )}
                <Switch
                  className={classes.whole ?? ''}
                  size="xs"
                  label="Secret: masked while it is typed"
                  aria-label={`${one.display_name || `Parameter ${index + 1}`} is secret: masked while it is typed`}
                  checked={one.secret !== false}
                  onChange={event => put(index, { secret: event.currentTarget.checked })}
                />
              </li>
            ))}
          </ul>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
            disabled={parameters.length >= 20}
            onClick={() => change({ parameters: [...parameters, { name: '', display_name: '' }] })}
          >
            Add a parameter
          </Button>
        </>
      )}
    </FormRow>
  )
}
