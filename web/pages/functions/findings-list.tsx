import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react'
import { countWords } from '../../parts/counted-words.ts'
import type { Finding } from './editor/findings.ts'
import classes from './source.module.css'

interface Listed {
  readonly findings: readonly Finding[]
  readonly goTo: (line: number) => void
}

const mostListed = 50

/** What is wrong, as sentences below the editor; each leads to its line. */
export const FindingsList = ({ findings, goTo }: Listed) => {
  const errors = findings.filter(one => one.severity === 'error').length
  const said = [
    ...(errors > 0 ? [countWords(errors, 'error')] : []),
    ...(findings.length > errors ? [countWords(findings.length - errors, 'warning')] : []),
  ].join(', ')
  return (
    <section aria-label="Problems" className={classes.problems}>
      <p role="status" className={classes.sum}>
        {said === '' ? 'No problems.' : said}
      </p>
      {findings.length > 0 && (
        <ul className={classes.findings}>
          {findings.slice(0, mostListed).map(one => (
            <li key={`${one.line}:${one.column}:${one.message}`}>
              <button type="button" className={classes.finding} onClick={() => goTo(one.line)}>
                {one.severity === 'error' ? (
                  <IconCircleX size={15} className={classes.error} aria-hidden />
                ) : (
                  <IconAlertTriangle size={15} className={classes.warning} aria-hidden />
                )}
                <span className="outside">
                  <span className="tabular">Line {one.line}:</span> {one.message}{' '}
                  {one.suggestion !== null && <span className={classes.suggestion}>{one.suggestion}</span>}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
