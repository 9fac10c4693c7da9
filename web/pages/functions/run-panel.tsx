import { Button, Group, Stack, Text } from '@mantine/core'
import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useImperativeHandle, useRef, useState, type Ref } from 'react'
import type { DelugeFunction, FunctionCheck, Me } from '../../../sdk/index.ts'
import { useFocusFirstError } from '../../parts/focus-first-error.ts'
import { fieldErrorsOf } from '../../parts/problem.tsx'
import { ArgumentFields } from './argument-fields.tsx'
import { givenArguments, keepValues, keptValues, valueProblem, type Files, type Parameter, type Values } from './argument-values.ts'
import { pathOf } from './function-queries.ts'
import { RunOutcome } from './run-outcome.tsx'
import { useRun } from './use-run.ts'
import classes from './run-panel.module.css'

export interface RunHandle {
  readonly start: () => void
}

interface Shown {
  readonly one: DelugeFunction
  readonly me: Me
  /** Of the source as it is being written. */
  readonly signature: FunctionCheck['signature']
  readonly dirty: boolean
  /** Whether it is saved now. */
  readonly save: () => Promise<boolean>
  /** The line where it failed, from 1; null when it did not. */
  readonly onFailed: (line: number | null) => void
  /** Null where no source is shown. */
  readonly goTo: ((line: number) => void) | null
  readonly handle?: Ref<RunHandle>
}

/** A script without a header takes whatever it is given: one box asks for all of it. */
const everything: Parameter = { name: 'arguments', type: 'map' }

/** Arguments, a button, and what becomes of the run while it goes on. */
export const RunPanel = ({ one, me, signature, dirty, save, onFailed, goTo, handle }: Shown) => {
  const path = pathOf(one)
  const box = useRef<HTMLElement>(null)
  const [values, setValues] = useState<Values>(() => keptValues(me, path))
  const [files, setFiles] = useState<Files>({})
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({})
  const [saving, setSaving] = useState(false)
  const { running, start, cancel } = useRun(one)
  const parameters = signature?.parameters ?? [everything]
  const refusedFields = fieldErrorsOf(running.error)
  const errors = Object.fromEntries(parameters.map(({ name }) => [name, wrong[name] ?? refusedFields[`arguments.${name}`]]))
  const refusal = running.state === 'refused' && Object.values(errors).some(Boolean) ? running.error : null
  useFocusFirstError(box, Object.keys(wrong).length > 0 ? wrong : refusal)

  const go = async (asSaved: boolean) => {
    if (running.state === 'running' || saving) return
    const problems = parameters.flatMap(parameter => {
      const problem = valueProblem(parameter, values[parameter.name] ?? '')
      return problem === null ? [] : [[parameter.name, problem] as const]
    })
    setWrong(Object.fromEntries(problems))
    if (problems.length > 0) return
    keepValues(me, path, parameters, values)
    onFailed(null)
    if (!asSaved) {
      setSaving(true)
      const saved = await save()
      setSaving(false)
      if (!saved) return
    }
    const result = await start(async () => {
      if (signature === null) return JSON.parse(values.arguments?.trim() || '{}') as Record<string, unknown>
      return givenArguments(parameters, values, files)
    })
    onFailed(result?.error?.line ?? null)
  }
  useImperativeHandle(handle, () => ({ start: () => void go(false) }))

  return (
    <aside ref={box} className={classes.panel} aria-label="Run">
      <h2 className={classes.heading}>Run</h2>
      <form
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void go(false)
        }}
      >
        <Stack gap="sm">
          {signature !== null && parameters.length === 0 && (
            <Text size="sm" c="dimmed">
              It takes no arguments.
            </Text>
          )}
          <ArgumentFields
            parameters={parameters}
            values={values}
            files={files}
            errors={errors}
            onValue={(name, value) => setValues(before => ({ ...before, [name]: value }))}
            onFile={(name, file) => setFiles(before => ({ ...before, [name]: file }))}
          />
          {parameters.length > 0 && (
            <Text size="sm" c="dimmed">
              What is left empty is null.
            </Text>
          )}
          <Group gap="xs">
            {/* two elements: were it one, it would be a submit button by the time its click is over, and run again what was cancelled */}
            {running.state === 'running' ? (
              <Button key="cancel" variant="default" leftSection={<IconPlayerStop size={16} />} onClick={cancel}>
                Cancel the run
              </Button>
            ) : (
              <Button key="run" type="submit" leftSection={<IconPlayerPlay size={16} />} loading={saving}>
                {dirty ? 'Save and run' : 'Run'}
              </Button>
            )}
            {dirty && running.state !== 'running' && (
              <Button variant="subtle" onClick={() => void go(true)}>
                Run what is live
              </Button>
            )}
          </Group>
        </Stack>
      </form>
      <RunOutcome running={running} goTo={goTo} told={refusal !== null} onAgain={() => void go(true)} />
    </aside>
  )
}
