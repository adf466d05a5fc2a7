import {stripVTControlCharacters} from 'node:util';
import {JarvisError} from '../../errors.ts';
import type {SecretForm, SecretMethod} from '../providers/contract.ts';

/** A pasted secret as it is kept, and what looks odd about it. */
export interface PastedSecret {
	readonly secret: string;
	readonly note?: string;
}

/**
 * Reads a pasted secret: quotes, line breaks, spaces and what a terminal put in are taken out.
 * @throws `secret_malformed` for one that is empty, of the wrong kind, or that no header could carry
 */
export function readSecret(pasted: string, {label = 'secret', form, madeAt}: SecretMethod): PastedSecret {
	const secret = tidy(pasted);
	const again = madeAt ? `It is made at: ${madeAt}` : 'Paste it again.';
	if (secret === '') throw new JarvisError('secret_malformed', 'Nothing was pasted.', again);
	if (!/^[\x21-\x7e]+$/.test(secret)) {
		throw new JarvisError(
			'secret_malformed',
			'The text holds characters that no secret has: something else was pasted.',
			again,
		);
	}
	if (form?.isStrict && form.prefix && !secret.startsWith(form.prefix)) {
		throw new JarvisError('secret_malformed', `That is no ${label}: those begin with ${form.prefix}.`, again);
	}
	const note = oddity(secret, form);
	return note ? {secret, note} : {secret};
}

/**
 * What is said of a secret while it is pasted: how long it is, and whether it looks whole, where it is known how
 * long those are. Shows none of it.
 */
export function looksOf(pasted: string, {form}: SecretMethod): string {
	const secret = tidy(pasted);
	if (secret === '') return '';
	const looks = oddity(secret, form) ?? (form?.usualLength === undefined ? undefined : 'looks complete');
	return [secret.length === 1 ? '1 character' : `${secret.length} characters`, looks]
		.filter(Boolean)
		.join(': ');
}

/** Whether a secret that is one by its beginning is shorter than those are. */
export function mayBeCut(pasted: string, {form}: SecretMethod): boolean {
	const secret = tidy(pasted);
	return secret !== '' && isOfPrefix(secret, form) && isShort(secret, form);
}

/**
 * Whether a text can be one secret that was wrapped: its lines are of one length but for the last, as a terminal or a
 * mail breaks them, and only the first begins as a secret does. Others are several, of which nobody can tell which one
 * is meant.
 */
export function isOneSecret(text: string, {form}: SecretMethod): boolean {
	const lines = text
		.split(/[\r\n]+/)
		.map(tidy)
		.filter(line => line !== '');
	const [first = '', ...others] = lines;
	const beginning = form?.prefix ?? first.slice(0, 3);
	return others.every(
		(line, index) =>
			!line.startsWith(beginning) &&
			(index === others.length - 1 ? line.length <= first.length : line.length === first.length),
	);
}

/** A secret that came in two: the rest behind what may have been cut, or, if that begins as one does, pasted anew. */
export function joinedSecret(cut: string, more: string, {form}: SecretMethod): string {
	return form?.prefix && tidy(more).startsWith(form.prefix) ? more : `${cut}\n${more}`;
}

function oddity(secret: string, form: SecretForm | undefined): string | undefined {
	if (!isOfPrefix(secret, form)) return `not like others: it does not begin with ${form?.prefix}`;
	if (isShort(secret, form)) {
		return `shorter than usual (${secret.length} of ${form?.usualLength} characters): it may have been cut`;
	}
	return undefined;
}

function isOfPrefix(secret: string, form: SecretForm | undefined): boolean {
	return form?.prefix === undefined || secret.startsWith(form.prefix);
}

function isShort({length}: string, form: SecretForm | undefined): boolean {
	return form?.usualLength !== undefined && length < form.usualLength;
}

function tidy(pasted: string): string {
	const unmarked = pasted.replace(/^\s*\[200~|\[201~\s*$/g, '');
	const bare = stripVTControlCharacters(unmarked).replace(/[\s\p{Cc}\p{Cf}]+/gu, '');
	return bare.replace(/^["'`]+/, '').replace(/["'`]+$/, '');
}
