import type {Provider} from './contract.ts';

/** Providers that take an API key and nothing else, as one table. */
interface ApiKeyRow {
	readonly id: string;
	readonly label: string;
	readonly aliases?: readonly string[];
	readonly env: readonly string[];
	/** Where keys are made. */
	readonly madeAt: string;
	readonly prefix?: string;
	/** Answers 200 to a key that works; `secretHeader` where that is not `Authorization: Bearer`. */
	readonly probe: string;
	readonly secretHeader?: string;
}

const rows: readonly ApiKeyRow[] = [
	{
		id: 'openai',
		label: 'OpenAI',
		// `codex exec` reads its own only.
		env: ['OPENAI_API_KEY', 'CODEX_API_KEY'],
		madeAt: 'https://platform.openai.com/api-keys',
		prefix: 'sk-',
		probe: 'https://api.openai.com/v1/models',
	},
	{
		id: 'google',
		label: 'Google (Gemini)',
		aliases: ['gemini'],
		env: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
		madeAt: 'https://aistudio.google.com/apikey',
		probe: 'https://generativelanguage.googleapis.com/v1beta/models?pageSize=1',
		secretHeader: 'x-goog-api-key',
	},
	{
		id: 'groq',
		label: 'Groq',
		env: ['GROQ_API_KEY'],
		madeAt: 'https://console.groq.com/keys',
		prefix: 'gsk_',
		probe: 'https://api.groq.com/openai/v1/models',
	},
	{
		id: 'mistral',
		label: 'Mistral',
		env: ['MISTRAL_API_KEY'],
		madeAt: 'https://console.mistral.ai/api-keys',
		probe: 'https://api.mistral.ai/v1/models',
	},
	{
		id: 'xai',
		label: 'xAI (Grok)',
		aliases: ['grok'],
		env: ['XAI_API_KEY'],
		madeAt: 'https://console.x.ai',
		prefix: 'xai-',
		probe: 'https://api.x.ai/v1/models',
	},
	{
		id: 'deepseek',
		label: 'DeepSeek',
		env: ['DEEPSEEK_API_KEY'],
		madeAt: 'https://platform.deepseek.com/api_keys',
		prefix: 'sk-',
		probe: 'https://api.deepseek.com/models',
	},
	{
		id: 'together',
		label: 'Together AI',
		env: ['TOGETHER_API_KEY'],
		madeAt: 'https://api.together.ai/settings/api-keys',
		probe: 'https://api.together.xyz/v1/models',
	},
	{
		id: 'cerebras',
		label: 'Cerebras',
		env: ['CEREBRAS_API_KEY'],
		madeAt: 'https://cloud.cerebras.ai',
		prefix: 'csk-',
		probe: 'https://api.cerebras.ai/v1/models',
	},
	{
		id: 'zai',
		label: 'Z.ai (GLM)',
		aliases: ['glm', 'zhipu'],
		env: ['ZAI_API_KEY'],
		madeAt: 'https://z.ai/manage-apikey/apikey-list',
		probe: 'https://api.z.ai/api/paas/v4/models',
	},
	{
		id: 'moonshot',
		label: 'Moonshot (Kimi)',
		aliases: ['kimi'],
		env: ['MOONSHOT_API_KEY'],
		madeAt: 'https://platform.moonshot.ai/console/api-keys',
		prefix: 'sk-',
		probe: 'https://api.moonshot.ai/v1/models',
	},
	{
		id: 'fireworks',
		label: 'Fireworks AI',
		env: ['FIREWORKS_API_KEY'],
		madeAt: 'https://app.fireworks.ai/settings/users/api-keys',
		probe: 'https://api.fireworks.ai/inference/v1/models',
	},
	{
		id: 'huggingface',
		label: 'Hugging Face',
		aliases: ['hf'],
		env: ['HF_TOKEN', 'HUGGINGFACE_HUB_TOKEN'],
		madeAt: 'https://huggingface.co/settings/tokens',
		prefix: 'hf_',
		probe: 'https://huggingface.co/api/whoami-v2',
	},
	{
		id: 'cohere',
		label: 'Cohere',
		env: ['COHERE_API_KEY', 'CO_API_KEY'],
		madeAt: 'https://dashboard.cohere.com/api-keys',
		probe: 'https://api.cohere.com/v1/models?page_size=1',
	},
];

/** The providers of the table. */
export const apiKeyProviders: readonly Provider[] = rows.map(row => ({
	id: row.id,
	label: row.label,
	...(row.aliases ? {aliases: row.aliases} : {}),
	origin: 'built in',
	env: row.env,
	auth: [
		{
			method: 'api_key',
			label: 'API key',
			hint: `Made at ${row.madeAt}.`,
			madeAt: row.madeAt,
			...(row.prefix ? {form: {prefix: row.prefix}} : {}),
		},
	],
	probes: [{url: row.probe, ...(row.secretHeader ? {secretHeader: row.secretHeader} : {})}],
}));
