import {asJarvisError} from '../../errors.ts';
import {type AgentCredentials, type Credential, type Link, optional} from '../../store/schema.ts';
import {clean} from '../facts.ts';
import {accountWords, isSameAccount} from './compare.ts';
import {type Entry, programs} from './programs.ts';
import {readEntries} from './read.ts';

/**
 * An agent's credentials with what its linked profiles hold at present, read where their own programs keep
 * it (docs/import.md). A refresh token is never among it: only the program itself spends that. What cannot be
 * read is without a secret, and says why. Never throws, and is never to be stored.
 */
export async function followLinks(credentials: AgentCredentials): Promise<AgentCredentials> {
	const files = new Map<string, Promise<readonly Entry[] | string>>();
	const read = ({program, file}: Link) => {
		const key = `${program}\0${file}`;
		const reading = files.get(key) ?? entriesOf(program, file);
		files.set(key, reading);
		return reading;
	};
	const profiles = await Promise.all(
		[...credentials.profiles].map(async ([id, credential]) => {
			const {link} = credential;
			return [id, link ? followed(credential, link, await read(link)) : credential] as const;
		}),
	);
	return {...credentials, profiles: new Map(profiles)};
}

async function entriesOf(name: string, file: string): Promise<readonly Entry[] | string> {
	const program = programs.find(({id}) => id === name);
	if (!program) return `the program ${clean(name)} is not known here`;
	try {
		return (await readEntries(program, file)) ?? `${program.label} is logged out: there is no ${file}`;
	} catch (error) {
		return asJarvisError(error).message.replace(/\.$/, '');
	}
}

function followed(stored: Credential, link: Link, read: readonly Entry[] | string): Credential {
	const broken = (problem: string): Credential => ({...stored, link: {...link, problem: clean(problem)}});
	if (typeof read === 'string') return broken(read);
	const found = read.find(({entry}) => entry === link.entry);
	if (!found) return broken(`${link.program} is logged out: ${link.file} holds no such login any more`);
	if (found.problem !== undefined) return broken(found.problem);
	const {credential} = found;
	if (credential.type !== stored.type || credential.provider !== stored.provider) {
		return broken(`${link.program} has a login of another kind there now`);
	}
	if (credential.type !== 'oauth' || stored.type !== 'oauth') return {...credential, link};
	if (isOther(stored, credential)) {
		return broken(
			`${link.program} is logged in as ${clean(accountWords(credential) ?? 'another account')} now`,
		);
	}
	const {refresh: _, ...readable} = credential;
	return {
		...readable,
		...optional('accountId', stored.accountId ?? credential.accountId),
		...optional('email', stored.email ?? credential.email),
		link,
	};
}

// Who a link is for was chosen by a person: another account is never handed out in its place.
function isOther(
	stored: Extract<Credential, {type: 'oauth'}>,
	present: Extract<Credential, {type: 'oauth'}>,
): boolean {
	const isKnown = (stored.accountId && present.accountId) || (stored.email && present.email);
	return Boolean(isKnown) && !isSameAccount(stored, present);
}
