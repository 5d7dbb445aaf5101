export { envYaml } from './env-yaml.js'
