module syscribe.test/programs

go 1.19
