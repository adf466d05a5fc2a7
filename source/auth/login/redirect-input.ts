import {stripVTControlCharacters} from 'node:util';

/** What a person pasted, as far as it can be told without knowing the login. */
export type RedirectInput =
	/** Parameters of an authorization response, with the state that names their login. */
	| {readonly kind: 'response'; readonly params: URLSearchParams}
	/** A code alone: nothing ties it to a login, so its state cannot be checked. */
	| {readonly kind: 'bare code'; readonly code: string}
	/** The login link itself, instead of the address that it leads to. */
	| {readonly kind: 'authorize URL'}
	| {readonly kind: 'unreadable'};

/**
 * Reads a pasted redirect URL, `code#state`, query string or bare code (docs/login.md). Forgives what
 * terminals, mail programs and shells do to text: line breaks, spaces, quotes, brackets, colours.
 */
export function readRedirectInput(pasted: string): RedirectInput {
	const text = tidy(pasted);
	if (text === '') return {kind: 'unreadable'};
	if (/^[a-z][a-z0-9+.-]*:\//i.test(text)) return fromUrl(text);
	const query = /^[?&#]/.test(text) ? text.slice(1) : text;
	if (/(^|&)(code|error)=/.test(query)) return fromParams(new URLSearchParams(query.split('#')[0]));
	const [code = '', state] = text.split('#');
	if (state && isCode(code)) return {kind: 'response', params: new URLSearchParams({code, state})};
	return isCode(text) && !isSentence(pasted) ? {kind: 'bare code', code: text} : {kind: 'unreadable'};
}

function tidy(pasted: string): string {
	// An escape character that a terminal library has eaten leaves the rest of a paste's markers.
	const unmarked = pasted.replace(/^\s*\[200~|\[201~\s*$/g, '');
	const bare = stripVTControlCharacters(unmarked).replace(/[\s\p{Cc}\p{Cf}]+/gu, '');
	const unquoted = bare.replace(/^["'`<([“‘]+/u, '').replace(/["'`>)\]”’,;]+$/u, '');
	// "Location: http://…", as `curl -i` and browsers' tools show it.
	return unquoted.replace(/^[a-z-]+:(?=https?:\/\/)/i, '');
}

function fromUrl(text: string): RedirectInput {
	let url: URL;
	try {
		url = new URL(text);
	} catch {
		return {kind: 'unreadable'};
	}
	const inFragment = new URLSearchParams(url.hash.slice(1));
	const holdsResponse = (params: URLSearchParams) => params.has('code') || params.has('error');
	return fromParams(
		!holdsResponse(url.searchParams) && holdsResponse(inFragment) ? inFragment : url.searchParams,
	);
}

function fromParams(params: URLSearchParams): RedirectInput {
	if (params.has('code') || params.has('error')) return {kind: 'response', params};
	return {kind: params.has('response_type') ? 'authorize URL' : 'unreadable'};
}

// Terminals wrap a code at one column; words have spaces at any.
function isSentence(pasted: string): boolean {
	return /\S +\S/.test(stripVTControlCharacters(pasted).trim());
}

function isCode(text: string): boolean {
	return /^[\w.~+/=-]{6,4096}$/.test(text);
}
