import { Button, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import type { AnsweredFile, FunctionRun, InfoLine } from '../../../sdk/index.ts'
import { durationOf } from '../../parts/call-summary.ts'
import { countWords } from '../../parts/counted-words.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { CodeBox } from '../connection/code-box.tsx'
import { sizeWords } from '../connection/try-answer.ts'
import { workWords } from './argument-values.ts'
import { ConnectButton } from './connect-button.tsx'
import { outputIn, type Output } from './run-output.ts'
import { RunStatus } from './run-status.tsx'
import type { Running } from './use-run.ts'
import classes from './run-panel.module.css'

interface Shown {
  readonly running: Running
  readonly goTo: ((line: number) => void) | null
  /** The refusal stands beside its field already. */
  readonly told: boolean
  readonly onAgain: () => void
}

/** What becomes of a run: lines as they come, then what it gave or where it failed. */
export const RunOutcome = ({ running, goTo, told, onAgain }: Shown) => {
  const { state, info, more, result, text, error } = running
  if (state === 'idle') return null
  return (
    <section aria-label="Result" className={classes.outcome}>
      <p role="status" className={`tabular ${classes.sum}`}>
        {state === 'running' && 'Running …'}
        {state === 'cancelled' && 'Cancelled: it was ended where it was.'}
        {result && (
          <>
            <RunStatus status={result.status} />
            <span>{durationOf(result.duration_ms)}</span>
            <span>{workWords(result)}</span>
          </>
        )}
      </p>
      {state === 'refused' && !told && <ProblemNote error={error} />}
      {result?.error && <Failure error={result.error} goTo={goTo} onAgain={onAgain} />}
      {(info.length > 0 || more > 0) && <InfoLines info={info} more={more} goTo={goTo} />}
      {result && result.error === null && (
        <>
          <h3 className={classes.part}>
            Output <span className={classes.type}>{result.output_type.toLowerCase()}</span>
          </h3>
          <OutputView output={outputIn(text)} />
        </>
      )}
    </section>
  )
}

interface Failed {
  readonly error: NonNullable<FunctionRun['error']>
  readonly goTo: ((line: number) => void) | null
  readonly onAgain: () => void
}

const Failure = ({ error, goTo, onAgain }: Failed) => (
  <div role="alert" className={classes.failure}>
    <p className="outside">{error.message}</p>
    <div className={classes.failureActions}>
      {error.line > 0 && goTo !== null && (
        <Button variant="default" size="xs" onClick={() => goTo(error.line)}>
          Go to line {error.line}
        </Button>
      )}
      {error.line > 0 && goTo === null && (
        <Text size="sm" c="dimmed">
          Line {error.line}
        </Text>
      )}
      {error.connect_url !== undefined && (
        <ConnectButton url={error.connect_url} linkName={error.connection ?? null} onConnected={onAgain} />
      )}
    </div>
  </div>
)

interface Lines {
  readonly info: readonly InfoLine[]
  readonly more: number
  readonly goTo: ((line: number) => void) | null
}

const InfoLines = ({ info, more, goTo }: Lines) => {
  const box = useRef<HTMLOListElement>(null)
  // the newest is in sight while they come, unless somebody looks further up
  useEffect(() => {
    const list = box.current
    if (list && list.scrollHeight - list.scrollTop - list.clientHeight < 80) list.scrollTop = list.scrollHeight
  }, [info.length])
  return (
    <>
      <h3 className={classes.part}>Info</h3>
      <ol ref={box} className={classes.lines} tabIndex={0} aria-label="Lines of info">
        {info.map(({ text, line }, index) => (
          <li key={index} className={classes.line}>
            {goTo === null ? (
              <span className={`tabular ${classes.at}`}>{line}</span>
            ) : (
              <button type="button" className={`tabular ${classes.at}`} aria-label={`Go to line ${line}`} onClick={() => goTo(line)}>
                {line}
              </button>
            )}
            <span className={`outside ${classes.said}`}>{text}</span>
          </li>
        ))}
      </ol>
      {more > 0 && (
        <Text size="sm" c="dimmed">
          And {countWords(more, 'more line')}: the log of the run has them.
        </Text>
      )}
    </>
  )
}

/** Characters; more slows a page down, and the copy has everything. */
const mostShown = 300_000

function download({ content_base64, filename }: AnsweredFile): void {
  const bytes = Uint8Array.from(atob(content_base64), char => char.charCodeAt(0))
  // never a type of its own: opened instead of saved, HTML would be a page of this origin
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = filename
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** What it gave back: texts as they are, everything else as JSON, files to save. */
export const OutputView = ({ output }: { readonly output: Output }) => {
  if (output.kind === 'nothing') return <Text c="dimmed">Nothing: null.</Text>
  if (output.kind === 'file')
    return (
      <Button variant="default" size="xs" leftSection={<IconDownload size={14} />} onClick={() => download(output.file)}>
        Save {output.file.filename} ({sizeWords(output.file.size)})
      </Button>
    )
  const cut = output.text.length > mostShown
  return (
    <CodeBox
      code={cut ? output.text.slice(0, mostShown) : output.text}
      copied={output.text}
      label="output"
      height={420}
      note={cut ? `The first ${countWords(mostShown, 'character')} of ${output.text.length.toLocaleString()}.` : undefined}
    />
  )
}
