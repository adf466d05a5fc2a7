export interface Visit {
	readonly url: string;
	/** 0 if `stopAt` kept the URL from being requested. */
	readonly status: number;
	readonly body: string;
	/** The Location header that led to `url`, as it was sent, if a redirect did. */
	readonly location?: string;
}

export interface VisitOptions {
	/** URLs that are not requested: the visit ends with the first. */
	readonly stopAt?: (url: URL) => boolean;
	/** Text on the link or button to press, such as an e-mail address or `Deny`. */
	readonly choose?: string;
	readonly signal?: AbortSignal;
}

interface Cookie {
	readonly host: string;
	readonly path: string;
	readonly name: string;
	readonly value: string;
}

interface Step {
	readonly method: string;
	readonly url: URL;
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const redirects = new Set([301, 302, 303, 307, 308]);
const maxSteps = 20;

/**
 * Opens a URL as a person with a browser would: follows redirects, keeps cookies until the visit ends, presses
 * a link or button once if told to, and returns the page it ends on.
 *
 * Throws a TypeError instead of a request to a host that is not loopback; an Error after 20 requests, or if the
 * first page does not have the link or button; and what `fetch` throws.
 */
export async function visit(url: string, options: VisitOptions = {}): Promise<Visit> {
	const cookies: Cookie[] = [];
	let step: Step = {method: 'GET', url: new URL(url)};
	let location: string | undefined;
	let choose = options.choose;
	for (let count = 0; count < maxSteps; count++) {
		const reached = {url: step.url.href, ...(location !== undefined && {location})};
		if (options.stopAt?.(step.url)) return {...reached, status: 0, body: ''};
		const response = await request(step, cookies, options.signal);
		const body = await response.text();
		const next = response.headers.get('location');
		if (redirects.has(response.status) && next !== null) {
			location = next;
			// Only 307 and 308 keep the method (RFC 9110, section 15.4).
			step = {method: response.status < 307 ? 'GET' : step.method, url: new URL(next, step.url)};
			continue;
		}
		if (choose === undefined) return {...reached, status: response.status, body};
		step = findControl(body, choose, step.url);
		location = undefined;
		choose = undefined;
	}
	throw new Error(`Gave up after ${maxSteps} requests, at ${step.url.origin}${step.url.pathname}`);
}

async function request({method, url}: Step, cookies: Cookie[], signal?: AbortSignal): Promise<Response> {
	if (!loopback.test(url.hostname)) throw new TypeError(`Not a loopback host: ${url.hostname}`);
	const cookie = cookies
		.filter(({host, path}) => host === url.hostname && url.pathname.startsWith(path))
		.map(({name, value}) => `${name}=${value}`)
		.join('; ');
	const response = await fetch(url, {
		method,
		redirect: 'manual',
		headers: {accept: 'text/html', ...(cookie && {cookie})},
		...(signal && {signal}),
	});
	for (const header of response.headers.getSetCookie()) keepCookie(cookies, header, url.hostname);
	return response;
}

function keepCookie(cookies: Cookie[], header: string, host: string): void {
	const [, name, value] = /^([^=;]+)=([^;]*)/.exec(header) ?? [];
	if (name === undefined || value === undefined) return;
	const path = /;\s*path=([^;]+)/i.exec(header)?.[1] ?? '/';
	const index = cookies.findIndex(old => old.host === host && old.path === path && old.name === name);
	if (index !== -1) cookies.splice(index, 1);
	if (value !== '') cookies.push({host, path, name, value});
}

/** Finds the link, or the form with the button, that carries the text. */
function findControl(html: string, label: string, base: URL): Step {
	for (const [, attributes = '', content = ''] of html.matchAll(/<a\s([^>]*)>(.*?)<\/a>/gs)) {
		if (plainText(content).includes(label)) {
			return {method: 'GET', url: new URL(attribute(attributes, 'href') ?? '', base)};
		}
	}
	for (const [, attributes = '', content = ''] of html.matchAll(/<form\s([^>]*)>(.*?)<\/form>/gs)) {
		if (plainText(content).includes(label)) {
			const method = attribute(attributes, 'method')?.toUpperCase() ?? 'GET';
			return {method, url: new URL(attribute(attributes, 'action') ?? '', base)};
		}
	}
	throw new Error(`No link or button "${label}" at ${base.origin}${base.pathname}`);
}

function attribute(attributes: string, name: string): string | undefined {
	const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
	return value === undefined ? undefined : unescapeHtml(value);
}

function plainText(html: string): string {
	return unescapeHtml(html.replace(/<[^>]*>/g, ' '));
}

function unescapeHtml(text: string): string {
	return text
		.replaceAll('&lt;', '<')
		.replaceAll('&gt;', '>')
		.replaceAll('&quot;', '"')
		.replaceAll('&#39;', "'")
		.replaceAll('&amp;', '&');
}
