import { Button, Text } from '@mantine/core'
import { IconDeviceFloppy } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { PatchbayProblem, type DelugeFunction, type Me } from '../../../sdk/index.ts'
import { AdministratorsOnly } from '../../parts/administrators-only.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import { FindingsList } from './findings-list.tsx'
import { mayWrite, offeredConnections, pathOf } from './function-queries.ts'
import { LazyDiff, LazyEditor, type EditorHandle, type Finding } from './lazy-editor.tsx'
import { RunPanel, type RunHandle } from './run-panel.tsx'
import { checkedSource } from './source-check.ts'
import { useDraft, type Draft } from './use-draft.ts'
import functionClasses from './function.module.css'
import classes from './source.module.css'

interface Shown {
  readonly one: DelugeFunction
  readonly me: Me
}

/** The source beside a place to run it; for those who write no functions, the latter. */
export const Workbench = ({ one, me }: Shown) =>
  mayWrite(me) && one.source != null ? (
    <Writing one={one} me={me} />
  ) : (
    <div className={classes.workbench}>
      <AdministratorsOnly>The source is for developers and administrators. You run it as yourself.</AdministratorsOnly>
      <RunPanel one={one} me={me} signature={one.signature} dirty={false} save={async () => true} onFailed={() => {}} goTo={null} />
    </div>
  )

const Writing = ({ one, me }: Shown) => {
  const editor = useRef<EditorHandle>(null)
  const run = useRef<RunHandle>(null)
  const draft = useDraft(one, editor)
  const [findings, setFindings] = useState<readonly Finding[]>([])
  const [failedLine, setFailedLine] = useState<number | null>(null)
  const [signature, setSignature] = useState(one.signature)
  const check = async (source: string) => {
    const checked = await checkedSource(source, one.namespace)
    if (checked && checked.signature !== null) setSignature(checked.signature)
    else if (checked && checked.findings.every(found => found.severity === 'warning')) setSignature(null)
    return checked?.findings ?? []
  }
  const goTo = (line: number) => editor.current?.goTo(line)
  return (
    <div
      className={classes.workbench}
      onKeyDown={event => {
        // the editor has answered its own already
        if (event.defaultPrevented || !(event.ctrlKey || event.metaKey)) return
        if (event.key === 's') {
          event.preventDefault()
          void draft.save()
        } else if (event.key === 'Enter') {
          event.preventDefault()
          run.current?.start()
        }
      }}
    >
      <UnsavedGuard unsaved={draft.dirty} withinPage />
      <div className={classes.write}>
        <div className={classes.bar}>
          <span className={classes.state} role="status">
            {draft.dirty ? 'Changed, not saved yet.' : `Revision ${one.revision} is live.`}
          </span>
          <Button
            variant="default"
            leftSection={<IconDeviceFloppy size={16} />}
            loading={draft.saving}
            disabled={!draft.dirty}
            onClick={() => void draft.save()}
          >
            Save
          </Button>
        </div>
        {draft.overtaken && <Overtaken one={one} draft={draft} />}
        <LazyEditor
          initial={one.source ?? ''}
          label={`Source of ${pathOf(one)}`}
          describedBy="editor-keys"
          handle={editor}
          onChange={draft.change}
          onSave={() => void draft.save()}
          onRun={() => run.current?.start()}
          check={check}
          onFindings={setFindings}
          refused={draft.refused}
          failedLine={failedLine}
          connections={offeredConnections}
        />
        <p id="editor-keys" className={classes.keys}>
          Ctrl S saves, Ctrl Enter saves and runs. Tab indents; Escape, then Tab, leaves the editor.
        </p>
        {draft.refusal !== null && !isOvertaken(draft.refusal) && <ProblemNote error={draft.refusal} />}
        <FindingsList findings={findings} goTo={goTo} />
      </div>
      <RunPanel
        one={one}
        me={me}
        signature={signature}
        dirty={draft.dirty}
        save={draft.save}
        onFailed={setFailedLine}
        goTo={goTo}
        handle={run}
      />
    </div>
  )
}

const isOvertaken = (error: unknown): boolean => error instanceof PatchbayProblem && error.code === 'precondition_failed'

const Overtaken = ({ one, draft }: { readonly one: DelugeFunction; readonly draft: Draft }) => {
  const [compared, setCompared] = useState(false)
  return (
    <>
      <div role="alert" className={functionClasses.note}>
        <Text className={`outside ${functionClasses.noteWords}`}>
          {one.author.name ?? 'Somebody'} saved revision {one.revision} meanwhile. Nothing of yours is lost.
        </Text>
        <Button.Group>
          <Button size="xs" variant="default" aria-expanded={compared} onClick={() => setCompared(!compared)}>
            Compare
          </Button>
          <Button size="xs" variant="default" onClick={draft.takeTheirs}>
            Take theirs
          </Button>
          <Button size="xs" variant="default" onClick={draft.keepMine}>
            Keep mine
          </Button>
        </Button.Group>
      </div>
      {compared && <LazyDiff before={one.source ?? ''} after={draft.source} label="Theirs, and what you changed" />}
    </>
  )
}
