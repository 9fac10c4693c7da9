import { Link } from '@tanstack/react-router'
import classes from './steps.module.css'

const names = ['Pick your service', 'Connection details', 'Connect'] as const

/** Where somebody is on the way; the first step can be gone back to, and nothing is lost by it. */
export const Steps = ({ at }: { readonly at: 1 | 2 | 3 }) => (
  <ol className={classes.steps} aria-label="Steps">
    {names.map((name, index) => {
      const number = index + 1
      const inside = (
        <>
          <span className={classes.number}>{number}</span>
          <span className={classes.name}>{name}</span>
        </>
      )
      return (
        <li key={name} className={classes.step} data-done={number < at || undefined} {...(number === at && { 'aria-current': 'step' })}>
          {number === 1 && at > 1 ? (
            <Link to="/add-connection" className={classes.back ?? ''}>
              {inside}
            </Link>
          ) : (
            inside
          )}
        </li>
      )
    })}
  </ol>
)
