/** What a first call goes to: the practice service, through a connection that works. */
export interface Practice {
  readonly url: string
  readonly linkName: string
}

const calling = ({ url, linkName }: Practice): string => `	response = invokeurl
	[
		url: "${url}/api/echo?hello=" + encodeUrl(name)
		type: GET
		connection: "${linkName}"
	];
	info response;
`

const called = `	// name a connection of yours, and call its service:
	// response = invokeurl
	// [
	// 	url: "https://api.example.com/…"
	// 	type: GET
	// 	connection: "link_name"
	// ];
`

/** A script to begin with. It runs as it is. */
export const firstSource = (namespace: string, name: string, practice: Practice | null): string => `string ${namespace}.${name}(string name)
{
	info "Hello " + ifnull(name,"world");
${practice === null ? called : calling(practice)}	return "Hello " + ifnull(name,"world");
}
`
