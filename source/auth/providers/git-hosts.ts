import type {Provider} from './contract.ts';

/** Where repositories are: their tokens are for git, and for the programs that ask their APIs. */
interface GitHostRow {
	readonly id: string;
	readonly label: string;
	readonly aliases?: readonly string[];
	readonly env: readonly string[];
	readonly hosts: readonly string[];
	/** What a token goes with as a password; one that the server does not look at where it takes any. */
	readonly username: string;
	/** Where tokens are made. */
	readonly madeAt: string;
	/** Answers 200 to a token that works. */
	readonly probe: string;
}

const rows: readonly GitHostRow[] = [
	{
		id: 'github',
		label: 'GitHub',
		aliases: ['gh'],
		env: ['GH_TOKEN', 'GITHUB_TOKEN'],
		hosts: ['github.com', 'gist.github.com'],
		username: 'x-access-token',
		madeAt: 'https://github.com/settings/tokens',
		probe: 'https://api.github.com/user',
	},
	{
		id: 'gitlab',
		label: 'GitLab',
		env: ['GITLAB_TOKEN'],
		hosts: ['gitlab.com'],
		username: 'oauth2',
		madeAt: 'https://gitlab.com/-/user_settings/personal_access_tokens',
		probe: 'https://gitlab.com/api/v4/user',
	},
];

/** The providers of the table. */
export const gitHosts: readonly Provider[] = rows.map(row => ({
	id: row.id,
	label: row.label,
	...(row.aliases ? {aliases: row.aliases} : {}),
	origin: 'built in',
	env: row.env,
	git: {hosts: row.hosts, username: row.username},
	auth: [
		{
			method: 'token',
			label: 'personal access token',
			hint: `Made at ${row.madeAt}.`,
			madeAt: row.madeAt,
		},
	],
	probes: [{url: row.probe}],
}));
