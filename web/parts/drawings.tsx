import classes from './drawings.module.css'

/** Two jacks joined by one curved line. */
export const Mark = ({ size = 26 }: { readonly size?: number }) => (
  <svg
    aria-hidden="true"
    width={size}
    height={size}
    viewBox="0 0 32 32"
    fill="none"
    stroke="currentColor"
    strokeWidth="2.75"
    strokeLinecap="round"
  >
    <circle cx="7" cy="24" r="4.25" />
    <circle cx="25" cy="8" r="4.25" />
    <path d="M7 19.75V13c0-7 9-7 9 3s9 10 9 3v-6.75" />
  </svg>
)

const leftPlug = 'M2 30h8M10 24h14a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H10zM27 30h6'
const rightPlug = 'M174 30h-8M166 24h-14a3 3 0 0 0-3 3v6a3 3 0 0 0 3 3h14zM149 30h-6'
const line = 'M33 30c30 0 24 22 55 22s25-22 55-22'

/** The cable between Patchbay and a service: plugged in, on its way (the line travels from one jack to the other), or with one end unplugged. */
export const Cable = ({ state }: { readonly state: 'joined' | 'waiting' | 'unplugged' }) => (
  <svg
    className={classes.cable}
    aria-hidden="true"
    viewBox="0 0 176 60"
    fill="none"
    stroke="currentColor"
    strokeWidth="2.5"
    strokeLinecap="round"
    strokeLinejoin="round"
  >
    <path d={leftPlug} />
    {state === 'unplugged' ? (
      <>
        <path d="M33 30c28 0 20 20 52 20M85 44h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H85zM98 50h7" />
        <path className={classes.loose} d="M174 30h-8M166 24h-14a3 3 0 0 0-3 3v6a3 3 0 0 0 3 3h14z" />
      </>
    ) : (
      <>
        <path className={state === 'waiting' ? classes.faint : undefined} d={line} />
        {state === 'waiting' && <path className={classes.travelling} d={line} pathLength={100} />}
        <path d={rightPlug} />
      </>
    )}
  </svg>
)
