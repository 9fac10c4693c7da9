import { useSyncExternalStore } from 'react'
import classes from './service-logo.module.css'

type Drawings = (typeof import('virtual:logos'))['logos']

/** Drawings are a file of their own: the page does not wait for it. */
let drawings: Drawings | null = null
const waiting = new Set<() => void>()

void import('virtual:logos').then(
  ({ logos }) => {
    drawings = logos
    for (const one of waiting) one()
  },
  () => {
    // letters, then
    drawings = {}
    for (const one of waiting) one()
  },
)

const onDrawings = (listener: () => void) => {
  waiting.add(listener)
  return () => void waiting.delete(listener)
}

/** Not by Suspense: React holds what was suspended back for some 300 ms, and the tiles would stand empty that long. */
const useDrawings = (): Drawings | null => useSyncExternalStore(onDrawings, () => drawings)

const letterOf = (name: string): string => [...name.trim()][0]?.toLocaleUpperCase() ?? '·'

interface Shown {
  readonly name: string
  /** A drawing's name; null for a letter. */
  readonly logo: string | null
}

const Drawing = ({ name, logo }: Shown) => {
  const all = useDrawings()
  if (all === null) return null
  const drawing = all[logo ?? '']
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
    {logo === null ? <Letter name={name} /> : <Drawing name={name} logo={logo} />}
  </span>
)
