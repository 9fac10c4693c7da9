import { IconBook, IconKey, IconPlugConnected } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import classes from './welcome.module.css'

/** Where to go on from here. */
export const Next = () => (
  <ul className={classes.next}>
    <li>
      <Link to="/add-connection" className={classes.card ?? ''}>
        <IconPlugConnected size={20} stroke={1.6} aria-hidden />
        <span className={classes.title}>Add a connection</span>
        <span className={classes.sentence}>One of the services that Patchbay knows, or one that you describe.</span>
      </Link>
    </li>
    <li>
      <Link to="/api-keys" className={classes.card ?? ''}>
        <IconKey size={20} stroke={1.6} aria-hidden />
        <span className={classes.title}>Create an API key</span>
        <span className={classes.sentence}>Your code calls with it, limited to the connections that it needs.</span>
      </Link>
    </li>
    <li>
      <a href="/docs" target="_blank" rel="noreferrer" className={classes.card}>
        <IconBook size={20} stroke={1.6} aria-hidden />
        <span className={classes.title}>Read the API</span>
        <span className={classes.sentence}>Every call of this console is one of it.</span>
      </a>
    </li>
  </ul>
)
