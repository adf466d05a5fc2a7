/** What the browser's page tells of a redirect. */
export type PageKind = 'accepted' | 'denied' | 'not ours' | 'not found' | 'on the way';

const words: Record<PageKind, {readonly title: string; readonly text: string}> = {
	accepted: {
		title: 'JARVIS has your login',
		text: 'You may close this page. The terminal shows how it ended.',
	},
	denied: {
		title: 'The login was not granted',
		text: 'Nothing was stored. You may close this page; the terminal offers another try.',
	},
	'not ours': {
		title: 'This is not the login that JARVIS waits for',
		text: 'The link belongs to another attempt, or is incomplete. JARVIS goes on waiting: use the newest link that the terminal shows.',
	},
	'on the way': {
		title: 'On the way to the login',
		text: 'If nothing happens, open the link that the terminal shows.',
	},
	'not found': {
		title: 'Nothing here',
		text: 'JARVIS listens on this port for the end of a login and for nothing else.',
	},
};

/** The page that the browser shows. Holds nothing that came with the request. */
export function page(kind: PageKind): string {
	const {title, text} = words[kind];
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem }
h1 { font-size: 1.5rem }
</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`;
}
