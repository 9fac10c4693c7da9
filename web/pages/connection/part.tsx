import { useId, type ReactNode } from 'react'
import classes from './connection.module.css'

interface Shown {
  readonly title: ReactNode
  readonly aside?: ReactNode
  readonly className?: string | undefined
  readonly children: ReactNode
}

/** A part of the page under its own heading and rule. */
export const Part = ({ title, aside, className = '', children }: Shown) => {
  const id = useId()
  return (
    <section className={`${classes.part} ${className}`} aria-labelledby={id}>
      <div className={classes.partHead}>
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
