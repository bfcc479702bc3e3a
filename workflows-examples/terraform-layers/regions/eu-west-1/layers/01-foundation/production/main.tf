terraform {
  required_version = "~> 1.13"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  backend "s3" {
    bucket       = "acme-terraform-production"
    key          = "regions/eu-west-1/layers/01-foundation/production.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-west-1"
}

module "foundation" {
  source      = "../../../../../modules/foundation"
  environment = "production"
  cidr_block  = "10.1.0.0/16"
}
