import { Suspense, use } from 'react'
import classes from './service-logo.module.css'

/** Drawings are a file of their own: the page does not wait for it. */
const drawings = import('virtual:logos').then(({ logos }) => logos)

const letterOf = (name: string): string => [...name.trim()][0]?.toLocaleUpperCase() ?? '·'

interface Shown {
  readonly name: string
  /** A drawing's name; null for a letter. */
  readonly logo: string | null
}

const Drawing = ({ name, logo }: Shown) => {
  const drawing = use(drawings)[logo ?? '']
  if (!drawing) return <Letter name={name} />
  return (
    <svg viewBox="0 0 24 24" width="60%" height="60%" fill={drawing.colour ?? 'currentColor'}>
      <path d={drawing.path} />
    </svg>
  )
}

const Letter = ({ name }: { readonly name: string }) => <span className={classes.letter}>{letterOf(name)}</span>

/** A service's mark on a tile; its first letter where there is none. Decoration: the name stands beside it. */
export const ServiceLogo = ({ name, logo, size = 32 }: Shown & { readonly size?: number }) => (
  <span className={classes.tile} aria-hidden="true" style={{ width: size, height: size, fontSize: size * 0.45 }}>
    {logo === null ? (
      <Letter name={name} />
    ) : (
      <Suspense fallback={null}>
        <Drawing name={name} logo={logo} />
      </Suspense>
    )}
  </span>
)
