import { Autocomplete, Button, Group, Select, SegmentedControl, Text, Textarea, TextInput } from '@mantine/core'
import { type ClipboardEvent, type KeyboardEvent, type ReactNode, type SyntheticEvent } from 'react'
import type { Method } from '../../../sdk/index.ts'
import { FileBox, FileRows } from './file-rows.tsx'
import { PairRows } from './pair-rows.tsx'
import { prettyJson } from './raw-json.ts'
import { bodyKinds, hasBody, splitUrl, withMethod, type BodyKind, type Draft } from './try-request.ts'
import classes from './try-it.module.css'

interface Form {
  readonly draft: Draft
  readonly onChange: (draft: Draft) => void
  readonly onSend: () => void
  readonly busy: boolean
  readonly onCancel: () => void
  readonly origins: readonly string[]
  /** Rules under which a host must be typed. */
  readonly rules: readonly string[]
  /** What the service allows. */
  readonly allowed: readonly Method[]
  readonly pathError: string | undefined
  /** Beside the Send button. */
  readonly children: ReactNode
}

const bodyNames: Readonly<Record<BodyKind, string>> = { none: 'None', json: 'JSON', form: 'Form', text: 'Text', file: 'File' }

/** Every origin is shown, whatever stands in the box. */
const unfiltered = <T,>({ options }: { options: T }): T => options

const ruleWords = (rules: readonly string[]): string =>
  rules.includes('*') ? 'Any host may be typed.' : `Any host under ${rules.map(rule => rule.replace(/^\*\./, '')).join(', ')} may be typed.`

const Body = ({ draft, onChange, onSend }: Pick<Form, 'draft' | 'onChange' | 'onSend'>) => {
  const { bodyKind, text } = draft
  const pretty = bodyKind === 'json' ? prettyJson(text) : null
  const wrong = bodyKind === 'json' && text.trim() !== '' && pretty === null
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSend()
  }
  return (
    <div role="group" aria-label="Body">
      <Group justify="space-between" mb={6} mih={32}>
        <Group gap="sm">
          <span className={classes.label}>Body</span>
          <SegmentedControl
            size="xs"
            aria-label="Kind of body"
            value={bodyKind}
            onChange={kind => onChange({ ...draft, bodyKind: kind })}
            data={bodyKinds.map(value => ({ value, label: bodyNames[value] }))}
          />
        </Group>
        {bodyKind === 'json' && (
          <Button
            variant="default"
            size="xs"
            disabled={pretty === null}
            onClick={() => pretty !== null && onChange({ ...draft, text: pretty })}
          >
            Format
          </Button>
        )}
      </Group>
      {bodyKind === 'form' && (
        <>
          <PairRows one="field" pairs={draft.form} onChange={form => onChange({ ...draft, form })} example="name" />
          <FileRows parts={draft.files} onChange={files => onChange({ ...draft, files })} />
        </>
      )}
      {bodyKind === 'file' && <FileBox label="File as the body" file={draft.file} onChange={file => onChange({ ...draft, file })} />}
      {(bodyKind === 'json' || bodyKind === 'text') && (
        <Textarea
          aria-label={bodyKind === 'json' ? 'JSON body' : 'Text body'}
          value={text}
          onChange={event => onChange({ ...draft, text: event.currentTarget.value })}
          onKeyDown={onKey}
          autosize
          minRows={5}
          maxRows={18}
          spellCheck={false}
          placeholder={bodyKind === 'json' ? '{ "name": "value" }' : ''}
          classNames={{ input: classes.mono ?? '' }}
          {...(wrong && { description: 'This is not valid JSON yet. It would be sent as it stands.' })}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
        />
      )}
    </div>
  )
}

/** Method, host, path, headers and body. */
export const RequestForm = ({ draft, onChange, onSend, busy, onCancel, origins, rules, allowed, pathError, children }: Form) => {
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    onSend()
  }
  // a whole URL, pasted into either box, is taken apart
  const paste = (event: ClipboardEvent) => {
    const whole = splitUrl(event.clipboardData.getData('text'))
    if (!whole) return
    event.preventDefault()
    onChange({ ...draft, ...whole })
  }
  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      <div className={classes.address}>
        <Select
          label="Method"
          data={[...allowed]}
          value={draft.method}
          onChange={method => {
            const chosen = allowed.find(one => one === method)
            if (chosen) onChange(withMethod(draft, chosen))
          }}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
        />
        <Autocomplete
          label="Host"
          data={[...origins]}
          filter={unfiltered}
          value={draft.origin}
          onChange={origin => onChange({ ...draft, origin })}
          onPaste={paste}
          placeholder="https://api.example.com"
          spellCheck={false}
          autoCapitalize="off"
          inputMode="url"
          comboboxProps={{ withinPortal: false }}
          classNames={{ input: classes.mono ?? '' }}
        />
        <TextInput
          label="Path and query"
          value={draft.path}
          onChange={event => onChange({ ...draft, path: event.currentTarget.value })}
          onPaste={paste}
          placeholder="/v1/things?limit=10"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          classNames={{ input: classes.mono ?? '' }}
          data-first
          error={pathError}
        />
      </div>
      {rules.length > 0 && (
        <Text size="sm" c="dimmed">
          {ruleWords(rules)}
        </Text>
      )}
      <div role="group" aria-label="Headers">
        {draft.headers.length > 0 && <div className={classes.label}>Headers</div>}
        <PairRows one="header" pairs={draft.headers} onChange={headers => onChange({ ...draft, headers })} example="Accept-Language" />
      </div>
      {hasBody(draft.method) && <Body draft={draft} onChange={onChange} onSend={onSend} />}
      <Group gap="xs">
        <Button type="submit" loading={busy} disabled={draft.origin.trim() === ''}>
          Send
        </Button>
        {busy && (
          <Button variant="default" onClick={onCancel} aria-keyshortcuts="Escape">
            Cancel
          </Button>
        )}
        {children}
      </Group>
    </form>
  )
}
