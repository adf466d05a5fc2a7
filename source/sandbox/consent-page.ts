import type {Context} from 'oidc-provider';
import type {SandboxAccount} from './authorization-server.ts';

export interface ConsentPageOptions {
	readonly accounts: readonly SandboxAccount[];
	readonly clientId: string;
	readonly scopes: readonly string[];
	/** What a choice is posted to, with `choice=` and an e-mail address or `deny` behind it. */
	readonly action: string;
}

// No form-action: browsers apply it to the redirects that follow a form, which end at the redirect URI.
const contentSecurityPolicy =
	"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const style = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; }
form { margin: .5rem 0; }
button { font: inherit; width: 100%; padding: .7rem 1rem; text-align: left; cursor: pointer; }
small { opacity: .8; }
`;

/** The page on which a person chooses the account to log in with, or denies, as HTML. */
export function consentPage({accounts, clientId, scopes, action}: ConsentPageOptions): string {
	const button = (choice: string, label: string) =>
		`<form method="post" action="${escapeHtml(`${action}choice=${encodeURIComponent(choice)}`)}"><button>${label}</button></form>`;
	const choices = accounts.map(({email, name}) =>
		button(email, `${escapeHtml(name)}<br><small>${escapeHtml(email)}</small>`),
	);
	const asked = scopes.length > 0 ? ` It asks for: ${escapeHtml(scopes.join(', '))}.` : '';
	return page(
		'Sandbox sign-in',
		`<p>This is JARVIS's own sandbox, no real account is touched. The people below are invented.</p>
<p>The program <strong>${escapeHtml(clientId)}</strong> wants to sign in.${asked} Choose who you want to be:</p>
${choices.join('\n')}
${button('deny', 'Deny')}`,
	);
}

/** The page on which a person types the code that another device shows, as HTML. */
export function codePage(action: string): string {
	return page(
		'Sandbox sign-in',
		`<p>This is JARVIS's own sandbox, no real account is touched. Type the code that your terminal shows:</p>
<form method="get" action="${escapeHtml(action)}"><input name="user_code" autofocus autocomplete="off"> <button>Go on</button></form>`,
	);
}

/** A page that only tells something, as HTML; both arguments are plain text. */
export function messagePage(title: string, message: string): string {
	return page(
		title,
		`<p>${escapeHtml(message)}</p>
<p><small>This is JARVIS's own sandbox, no real account is touched.</small></p>`,
	);
}

/** Answers with a page that may load nothing and may not be framed. */
export function showPage(context: Context, status: number, html: string): void {
	context.status = status;
	context.set({
		'Content-Type': 'text/html; charset=utf-8',
		'Content-Security-Policy': contentSecurityPolicy,
		'Cache-Control': 'no-store',
	});
	context.body = html;
}

function page(title: string, content: string): string {
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
	return text
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;')
		.replaceAll("'", '&#39;');
}
