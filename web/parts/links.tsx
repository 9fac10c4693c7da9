import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { forwardRef, type AnchorHTMLAttributes } from 'react'

type LinkAttributes = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps | keyof AnchorProps>

/** A link to another page that looks like a button. */
export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, ButtonProps & LinkAttributes>((props, ref) => <Button component="a" ref={ref} {...props} />),
)

/** A link to another page in running text. */
export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, AnchorProps & LinkAttributes>((props, ref) => <Anchor ref={ref} {...props} />),
)
