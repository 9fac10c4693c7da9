import { CopyIcon } from '../../parts/copy.tsx'
import classes from './code-box.module.css'

interface Shown {
  readonly code: string
  /** What is copied, when more than what is shown. */
  readonly copied?: string | undefined
  /** What it is, for its copy button and for who does not see it. */
  readonly label: string
  readonly note?: string | undefined
  /** Pixels; longer text scrolls. */
  readonly height?: number | undefined
}

/** Text as it is, in a fixed-width face, with one click to copy it. */
export const CodeBox = ({ code, copied = code, label, note, height }: Shown) => (
  <figure className={classes.box}>
    <div className={classes.copy}>
      <CopyIcon value={copied} label={`Copy the ${label}`} />
    </div>
    <pre tabIndex={0} aria-label={label} dir="ltr" {...(height !== undefined && { style: { maxHeight: height } })}>
      {code}
    </pre>
    {note !== undefined && <figcaption>{note}</figcaption>}
  </figure>
)
