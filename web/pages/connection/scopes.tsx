import { IconCheck, IconX } from '@tabler/icons-react'
import type { Connection, Scope } from '../../../sdk/index.ts'
import { countWords } from '../../parts/counted-words.ts'
import classes from './scopes.module.css'

interface Row {
  readonly name: string
  readonly granted: boolean | null
  readonly remark: string | null
}

/** Asked and granted side by side. Null for granted: the service did not say, or nobody has connected it yet. */
export function scopeRows({ scopes, granted_scopes, unlisted_scopes }: Connection): readonly Row[] {
  const granted = granted_scopes && new Set(granted_scopes.map(scope => scope.toLowerCase()))
  const asked = new Set(scopes.map(scope => scope.toLowerCase()))
  const unlisted = new Set(unlisted_scopes)
  return [
    ...scopes.map(name => ({
      name,
      granted: granted && granted.has(name.toLowerCase()),
      remark: unlisted.has(name) ? 'not in our list' : null,
    })),
    ...(granted_scopes ?? [])
      .filter(scope => !asked.has(scope.toLowerCase()))
      .map(name => ({ name, granted: true, remark: 'granted without being asked for' })),
  ]
}

const Mark = ({ granted }: Pick<Row, 'granted'>) =>
  granted === null ? (
    <span className={classes.mark} aria-hidden>
      ·
    </span>
  ) : granted ? (
    <IconCheck size={14} className={`${classes.mark} ${classes.granted}`} role="img" aria-label="granted" />
  ) : (
    <IconX size={14} className={`${classes.mark} ${classes.refused}`} role="img" aria-label="not granted" />
  )

/** "3 of 3", and which. */
export const Scopes = ({ connection, listed }: { readonly connection: Connection; readonly listed: readonly Scope[] }) => {
  const rows = scopeRows(connection)
  const { scopes } = connection
  if (rows.length === 0) return <>None asked for</>
  const described = new Map(listed.map(one => [one.name, one.description]))
  const granted = rows.slice(0, scopes.length).filter(one => one.granted).length
  const known = rows[0]?.granted !== null
  return (
    <details>
      <summary className="tabular">
        {known ? `${granted} of ${scopes.length} granted` : `${countWords(scopes.length, 'scope')} asked for`}
      </summary>
      <ul className={classes.scopes}>
        {rows.map(({ name, granted, remark }) => (
          <li key={name}>
            <Mark granted={granted} />
            <span>
              <code className="outside">{name}</code>
              {[described.get(name), granted === false ? 'not granted' : null, remark].filter(Boolean).map(words => (
                <span key={words} className={`outside ${classes.words}`}>
                  {words}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
